// Brings versions into service and takes them out of it. A new version is loaded beside the others and checked by every
// worker, as at the start; then it is served from one turn of the event loop to the next. Images in progress stay on the
// network on which they began, which is released after the last of them.
import type { Logger } from 'pino';
import { CALIBRATION_FILE } from '../../format/documents.js';
import { costBounds } from '../../network/execution-path.js';
import { labelOf, type Network, networkOf } from '../../network/network.js';
import { loadPackageApart } from '../../packages/load-apart.js';
import type { ModelPackage } from '../../packages/package.js';
import { rereadProfiles } from '../../packages/reread.js';
import type { Metrics } from '../../telemetry/metrics.js';
import type { EngineInfo } from '../../workers/protocol.js';
import type { WorkerPool } from '../../workers/worker-pool.js';
import { announceCertificates, withdrawCertificates } from '../announce-certificates.js';
import { announceTypicality } from '../announce-typicality.js';
import type { Audits } from '../auditing/audits.js';
import { servedModelOf } from '../catalog.js';
import type { Ladders } from '../degradation/ladders.js';
import type { Usage } from '../usage.js';
import type { Register, VersionRecord } from './register.js';

export interface Rollout {
  /** Serves a package that every worker has loaded under its own name; for the start. */
  open(one: ModelPackage): void;
  /** Loads the package in `directory` and serves it, also in the place of one that is served. @throws PackageError */
  bringUp(record: VersionRecord, directory: string): Promise<void>;
  /** Serves the profiles that lie in the folder of a served package now. @throws PackageError if they are refused */
  swapProfiles(record: VersionRecord): Promise<void>;
  /** Takes a version out of service. */
  takeDown(record: VersionRecord): void;
}

export interface RolloutOptions {
  readonly register: Register;
  readonly pool: Pick<WorkerPool, 'load' | 'unload'>;
  readonly usage: Usage;
  readonly auditsOf: Audits;
  readonly ladders: Pick<Ladders, 'of' | 'forget'>;
  readonly engine: EngineInfo;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

export function createRollout(options: RolloutOptions): Rollout {
  const { register, pool, usage, auditsOf, ladders, engine, metrics, logger } = options;
  /** Number of networks loaded since the start. */
  let loads = 0;

  function serve(record: VersionRecord, one: ModelPackage, network: Network): void {
    const before = record.served;
    const model = servedModelOf(one, network, engine, auditsOf(one), ladders.of);
    if (before) withdrawCertificates(before.model, metrics);
    record.served = { package: one, network, model };
    const served = register.records().flatMap((each) => each.served?.package.manifest ?? []);
    metrics.fitFlops(served.flatMap(({ exits }) => costBounds(exits).flat()));
    register.publish();
    announceCertificates(model, metrics, logger);
    announceTypicality(model, one.typicality, metrics, logger);
    if (before && before.network.id !== network.id) void release(before.network);
  }

  async function release(network: Network): Promise<void> {
    await usage.over(network.id);
    pool.unload(network.id);
    logger.info({ model: labelOf(network.manifest) }, 'old version released');
  }

  return {
    open(one) {
      serve(register.recordOf(one.manifest), one, networkOf(one));
    },

    async bringUp(record, directory) {
      const one = await loadPackageApart(directory);
      const label = labelOf(record);
      const network = networkOf(one, `${label}#${++loads}`);
      await pool.load(network);
      const result = record.served ? 'replaced' : 'added';
      serve(record, one, network);
      metrics.modelReloads.inc({ model: record.name, result });
      logger.info({ model: record.name, version: record.version }, `version ${result}`);
    },

    async swapProfiles(record) {
      const { served, name: model, version } = record;
      if (!served) return;
      const next = await rereadProfiles(served.package);
      if (sha256Of(next) === sha256Of(served.package)) return;
      const more = next.segments.filter((segment) => !served.package.segments.includes(segment));
      const network = networkOf(next, served.network.id);
      if (more.length > 0) await pool.load(network);
      serve(record, next, network);
      metrics.calibrationReloads.inc({ model, version, result: 'swapped' });
      logger.info({ model, version, sha256: sha256Of(next), segments: more.length }, 'profiles swapped');
    },

    takeDown(record) {
      const { served, name: model, version } = record;
      register.drop(record);
      register.publish();
      if (!served) return;
      withdrawCertificates(served.model, metrics);
      auditsOf({ ...served.package, profiles: new Map() });
      ladders.forget(record);
      metrics.modelReloads.inc({ model, result: 'removed' });
      logger.info({ model, version }, 'version removed');
      void release(served.network).then(() => {
        const isBack = register.records().some((one) => labelOf(one) === labelOf(record) && one.served);
        if (!isBack) metrics.forgetVersion(model, version);
      });
    },
  };
}

function sha256Of({ manifest }: ModelPackage): string | undefined {
  return manifest.files[CALIBRATION_FILE]?.sha256;
}
