// Folders for what a test writes. They are gone when the process ends, not when the test does: what it started (workers
// above all) may write to them until it is closed.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders: string[] = [];
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rdi-test-'));
  folders.push(folder);
  return folder;
}
