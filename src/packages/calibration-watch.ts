// Detects that the profiles of a package may have changed on disk. Polling works with every kind of volume and link.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { filesOf } from './package-files.js';

export interface WatchOptions {
  /** The folders of packages. */
  readonly directories: readonly string[];
  /** Time between checks. A change counts if the next check finds no further one, so no half-written file is read. */
  readonly intervalSeconds: number;
  /**
   * Called for every change, and at first once for every directory, which may have changed before the first check.
   * @param again whether it has been called for the same change before
   * @returns whether the change is settled; if not, it is called again after the next check
   */
  readonly onChange: (directory: string, again: boolean) => Promise<boolean>;
}

interface State {
  readonly directory: string;
  /** Fingerprint at the last check. */
  last: string | undefined;
  /** Fingerprint for which `onChange` was last called. */
  tried: string | undefined;
  isSettled: boolean;
}

/** @returns a function that ends the watch */
export function watchCalibrations({ directories, intervalSeconds, onChange }: WatchOptions): () => void {
  const states: State[] = directories.map((directory) => ({
    directory,
    last: undefined,
    tried: undefined,
    isSettled: false,
  }));
  let timer: NodeJS.Timeout | undefined;
  let ended = false;

  async function look(): Promise<void> {
    for (const state of states) {
      const found = await fingerprint(state.directory);
      const isStill = found === state.last;
      state.last = found;
      const again = found === state.tried;
      if (!isStill || (again && state.isSettled) || ended) continue;
      state.tried = found;
      state.isSettled = await onChange(state.directory, again);
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

/** Covers all files, also those of the network: new profiles may need these, and they may arrive after the profiles. */
async function fingerprint(directory: string): Promise<string> {
  const files = await filesOf(directory).catch(() => []);
  const parts = await Promise.all(
    files.map((file) =>
      stat(join(directory, file), { bigint: true }).then(
        ({ ino, size, mtimeNs }) => `${file} ${ino} ${size} ${mtimeNs}`,
        () => `${file} missing`,
      ),
    ),
  );
  return parts.join('; ');
}
