// The ONNX engine that counts the sessions that are loaded, over all threads, in a file. Runs in workers; `createCount` is
// the end of the test.
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from '../../../src/engines/engine.js';
import { createEngine as createOnnxEngine } from '../../../src/engines/onnx.js';
import { temporaryFolder } from '../temporary-folder.js';

export function createCount(): { readonly engineModule: string; sessions(): number } {
  const file = join(temporaryFolder(), 'sessions');
  appendFileSync(file, '');
  return {
    engineModule: `${import.meta.url}?${new URLSearchParams({ file })}`,
    sessions: () => [...readFileSync(file, 'utf8')].reduce((sum, sign) => sum + (sign === '+' ? 1 : -1), 0),
  };
}

export function createEngine(): Engine {
  const file = new URL(import.meta.url).searchParams.get('file') ?? '';
  const engine = createOnnxEngine();
  return {
    ...engine,
    async load(sources) {
      const segments = await engine.load(sources);
      appendFileSync(file, '+'.repeat(segments.length));
      return segments.map((segment) => ({
        run: segment.run,
        async release() {
          await segment.release();
          appendFileSync(file, '-');
        },
      }));
    },
  };
}
