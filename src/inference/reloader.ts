// Swaps the profiles of a served model for those that lie in its package now: read, checked, their segments loaded
// into every worker, and only then, in one turn of the event loop, put in place. Requests in flight keep theirs.
import type { Logger } from 'pino';
import { messageOf } from '../errors.js';
import type { ModelPackage } from '../models/package.js';
import { CALIBRATION_FILE } from '../models/package-documents.js';
import { rereadProfiles } from '../models/reread.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { WorkerPool } from './worker-pool.js';

export interface Reloader {
  /** Resolves when it is done, whatever came of it: that is in the log and in the metrics. @param id `name/version` */
  reload(id: string): Promise<void>;
}

export interface ReloaderOptions {
  /** Those that are served, by id. */
  readonly packages: ReadonlyMap<string, ModelPackage>;
  readonly load: WorkerPool['load'];
  /** Puts the new profiles in place; synchronous, so that no request sees half of it. */
  readonly swap: (next: ModelPackage) => void;
  readonly metrics: Pick<Metrics, 'calibrationReloads' | 'calibrationRefused'>;
  readonly logger: Logger;
}

export function createReloader({ load, swap, metrics, logger, ...options }: ReloaderOptions): Reloader {
  const packages = new Map(options.packages);
  let turn = Promise.resolve();

  async function reload(id: string): Promise<void> {
    const served = packages.get(id);
    if (!served) return;
    const { name: model, version } = served.manifest;
    try {
      const next = await rereadProfiles(served);
      metrics.calibrationRefused.set({ model, version }, 0);
      if (sha256Of(next) === sha256Of(served)) return;
      const more = next.segments.filter((segment) => !served.segments.includes(segment));
      if (more.length > 0) await load(id, more);
      packages.set(id, next);
      swap(next);
      metrics.calibrationReloads.inc({ model, version, result: 'swapped' });
      logger.info({ model, version, sha256: sha256Of(next), segments: more.length }, 'profiles swapped');
    } catch (error) {
      metrics.calibrationRefused.set({ model, version }, 1);
      metrics.calibrationReloads.inc({ model, version, result: 'refused' });
      logger.error(
        { model, version, reason: messageOf(error) },
        'changed profiles refused: the old ones stay',
      );
    }
  }

  return {
    reload(id) {
      turn = turn.then(() => reload(id));
      return turn;
    },
  };
}

function sha256Of({ manifest }: ModelPackage): string | undefined {
  return manifest.files[CALIBRATION_FILE]?.sha256;
}
