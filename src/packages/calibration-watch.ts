// Notices that a package's profiles may have changed on disk, by looking: that works for every kind of volume and link.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { filesOf } from './package-files.js';

export interface WatchOptions {
  /** Of packages. */
  readonly directories: readonly string[];
  /** From look to look; a change counts once two looks in a row have found it the same, so that none is read half. */
  readonly intervalSeconds: number;
  /**
   * Called for every directory once at first, for what may have changed before the first look.
   * @param again whether it is called once more for the same change
   * @returns whether that is settled; if not, it is called again after the next look
   */
  readonly onChange: (directory: string, again: boolean) => Promise<boolean>;
}

interface State {
  readonly directory: string;
  /** What the last look found, and what `onChange` was last called for. */
  last: string | undefined;
  tried: string | undefined;
  isSettled: boolean;
}

/** @returns ends the watch. */
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

/** Changes whenever a file is written or replaced: new profiles may need the network's, which may arrive after them. */
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
