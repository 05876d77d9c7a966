// Replaces the profiles of a served model by those that are in its package now. The new profiles are read and checked,
// and their segments are loaded into every worker. Then they are swapped in one turn of the event loop. Requests in
// flight keep the old profiles.
import type { Logger } from 'pino';
import { CALIBRATION_FILE } from '../format/documents.js';
import { invariant, messageOf, PackageError } from '../foundation/errors.js';
import { watchCalibrations } from '../packages/calibration-watch.js';
import type { ModelPackage } from '../packages/package.js';
import { rereadProfiles } from '../packages/reread.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { WorkerPool } from '../workers/worker-pool.js';

export interface Reloader {
  /** Rereads the profiles of every model. Never rejects: the log and the metrics show the result. */
  reload(): Promise<void>;
  /** Stops looking for changes. */
  close(): void;
}

export interface ReloaderOptions {
  /** The served packages, by id. */
  readonly packages: ReadonlyMap<string, ModelPackage>;
  /** Interval between checks for changes; 0: no checks. */
  readonly intervalSeconds: number;
  readonly load: WorkerPool['load'];
  /** Serves the new profiles. Synchronous, so that no request sees a partial change. */
  readonly swap: (next: ModelPackage) => void;
  readonly metrics: Pick<Metrics, 'calibrationReloads' | 'calibrationRefused'>;
  readonly logger: Logger;
}

export function createReloader({ load, swap, metrics, logger, ...options }: ReloaderOptions): Reloader {
  const packages = new Map(options.packages);
  let turn: Promise<unknown> = Promise.resolve();
  const idOf = new Map([...packages].map(([id, { directory }]) => [directory, id]));
  const endWatch =
    options.intervalSeconds > 0
      ? watchCalibrations({
          directories: [...idOf.keys()],
          intervalSeconds: options.intervalSeconds,
          onChange: (directory, again) => inTurn(idOf.get(directory), again),
        })
      : undefined;

  function inTurn(id: string | undefined, again: boolean): Promise<boolean> {
    const settled = turn.then(() => reload(id, again));
    turn = settled;
    return settled;
  }

  /**
   * @param again whether the same change has been tried before
   * @returns whether the change is settled, so that another attempt is useless
   */
  async function reload(id: string | undefined, again: boolean): Promise<boolean> {
    const served = id && packages.get(id);
    invariant(served, 'only what is served is reloaded');
    const { name: model, version } = served.manifest;
    try {
      const next = await rereadProfiles(served);
      metrics.calibrationRefused.set({ model, version }, 0);
      if (sha256Of(next) === sha256Of(served)) return true;
      const more = next.segments.filter((segment) => !served.segments.includes(segment));
      if (more.length > 0) await load(id, more);
      packages.set(id, next);
      swap(next);
      metrics.calibrationReloads.inc({ model, version, result: 'swapped' });
      logger.info({ model, version, sha256: sha256Of(next), segments: more.length }, 'profiles swapped');
      return true;
    } catch (error) {
      const isSettled = error instanceof PackageError && !error.isPassing;
      metrics.calibrationRefused.set({ model, version }, 1);
      if (again && !isSettled) return false; // already logged
      metrics.calibrationReloads.inc({ model, version, result: 'refused' });
      logger.error(
        { model, version, reason: messageOf(error) },
        'changed profiles refused: the old ones stay',
      );
      return isSettled;
    }
  }

  return {
    reload: async () => void (await Promise.all([...packages.keys()].map((id) => inTurn(id, false)))),
    close: () => endWatch?.(),
  };
}

function sha256Of({ manifest }: ModelPackage): string | undefined {
  return manifest.files[CALIBRATION_FILE]?.sha256;
}
