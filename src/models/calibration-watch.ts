// Notices that a package's profiles have changed on disk, by looking: that works for every kind of volume and link.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CALIBRATION_FILE } from './package-documents.js';
import { MANIFEST_FILE } from './package-files.js';

export interface WatchOptions {
  /** Of packages. */
  readonly directories: readonly string[];
  /** From look to look; a change counts once two looks in a row have found it the same, so that none is read half. */
  readonly intervalSeconds: number;
  /** Called for every directory once at first, for what may have changed before the first look. */
  readonly onChange: (directory: string) => Promise<void>;
}

/** @returns ends the watch. */
export function watchCalibrations({ directories, intervalSeconds, onChange }: WatchOptions): () => void {
  const states = directories.map((directory) => ({ directory, handled: '', last: '' }));
  let timer: NodeJS.Timeout | undefined;
  let ended = false;

  async function look(): Promise<void> {
    for (const state of states) {
      const found = await fingerprint(state.directory);
      const isStill = found === state.last;
      state.last = found;
      if (!isStill || found === state.handled || ended) continue;
      state.handled = found;
      await onChange(state.directory);
    }
    if (!ended) schedule();
  }

  function schedule(): void {
    timer = setTimeout(look, intervalSeconds * 1000);
    timer.unref();
  }

  schedule();
  return () => {
    ended = true;
    clearTimeout(timer);
  };
}

/** Changes whenever one of the two files is written or replaced. */
async function fingerprint(directory: string): Promise<string> {
  const parts = await Promise.all(
    [MANIFEST_FILE, CALIBRATION_FILE].map((file) =>
      stat(join(directory, file), { bigint: true }).then(
        ({ ino, size, mtimeNs }) => `${ino} ${size} ${mtimeNs}`,
        () => 'missing',
      ),
    ),
  );
  return parts.join('; ');
}
