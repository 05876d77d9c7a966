// Keeps the served versions equal to the models folder: looks at it from time to time and on SIGHUP, and has what is new
// or changed loaded and what is gone taken down. A package that is refused changes nothing.
import type { Logger } from 'pino';
import { messageOf, PackageError } from '../../foundation/errors.js';
import { labelOf } from '../../network/network.js';
import type { FoundVersion, Survey } from '../../packages/models-folder/survey.js';
import { watchModels } from '../../packages/models-folder/watch.js';
import type { RefusedPackage } from '../../packages/repository.js';
import { hasSameNetwork } from '../../packages/reread.js';
import type { Metrics } from '../../telemetry/metrics.js';
import type { Register, VersionRecord } from './register.js';
import type { Rollout } from './rollout.js';

export interface Reloader {
  /** Makes all changes of the models folder at once. Never rejects: the log and the metrics show the result. */
  reload(): Promise<void>;
  /** Stops looking for changes; a change in progress has no further effect. */
  close(): void;
}

export interface ReloaderOptions {
  readonly register: Register;
  readonly rollout: Rollout;
  /** @throws UsageError if the models folder cannot be read */
  readonly survey: () => Promise<Survey>;
  /** The survey from which the packages were loaded at the start. */
  readonly first: Survey;
  /** Interval between checks for changes; 0: no checks. */
  readonly intervalSeconds: number;
  readonly metrics: Pick<Metrics, 'calibrationReloads' | 'calibrationRefused' | 'modelReloads'>;
  readonly logger: Logger;
}

export function createReloader(options: ReloaderOptions): Reloader {
  const { register, rollout, metrics, logger, first } = options;
  let turn: Promise<void> = Promise.resolve();
  let closed = false;
  let announced: { faults: ReadonlySet<string>; defaults: ReturnType<Register['defaults']> } = {
    faults: new Set(),
    defaults: register.defaults(),
  };

  function inTurn(survey: Survey, isAsked: boolean): Promise<void> {
    turn = turn
      .then(() => follow(survey, isAsked))
      .catch((err: unknown) => logger.error({ err }, 'reload failed'));
    return turn;
  }

  async function survey(): Promise<Survey> {
    try {
      return await options.survey();
    } catch (error) {
      register.noteFolder(messageOf(error));
      publish();
      throw error;
    }
  }

  /** @param isAsked whether an operator asks for it, so that everything is read again */
  async function follow(found: Survey, isAsked: boolean): Promise<void> {
    if (closed) return;
    const isLost = found.versions.size === 0;
    register.noteFolder(isLost ? 'The models folder has no package; those that are served stay.' : undefined);
    register.note(found);
    publish();
    for (const [label, version] of found.versions) {
      if (!found.inFlux.has(label)) await look(version, isAsked);
      if (closed) return;
    }
    if (isLost) return;
    for (const record of register.records()) {
      const label = labelOf(record);
      const isThere = found.versions.has(label) || found.inFlux.has(label);
      if (!isThere && !found.unreadable.has(record.name)) takeAway(record);
    }
    publish();
  }

  async function look({ name, version, directory, fingerprint }: FoundVersion, isAsked: boolean) {
    const record = register.recordOf({ name, version });
    const isKnown = record.tried === fingerprint;
    if (isKnown && record.isSettled && !isAsked) return;
    record.tried = fingerprint;
    let isProfiles = false;
    try {
      isProfiles = record.served !== undefined && (await hasSameNetwork(record.served.package));
      await (isProfiles ? rollout.swapProfiles(record) : rollout.bringUp(record, directory));
      record.isSettled = true;
      record.fault = undefined;
      metrics.calibrationRefused.set({ model: name, version }, 0);
    } catch (error) {
      if (closed) return;
      record.isSettled = error instanceof PackageError && !error.isPassing;
      const reason = messageOf(error);
      const isNews = reason !== record.fault || isAsked;
      record.fault = reason;
      if (isProfiles) metrics.calibrationRefused.set({ model: name, version }, 1);
      if (isNews) refuse(record, isProfiles, reason);
    }
    publish();
  }

  function refuse({ name: model, version, served }: VersionRecord, isProfiles: boolean, reason: string) {
    if (isProfiles) metrics.calibrationReloads.inc({ model, version, result: 'refused' });
    else metrics.modelReloads.inc({ model, result: 'refused' });
    const what = isProfiles
      ? 'changed profiles refused: the old ones stay'
      : 'changed package refused: the old one stays';
    logger.error({ model, version, reason }, served ? what : 'model refused');
  }

  /** For a version whose folder is gone. */
  function takeAway(record: VersionRecord): void {
    const need = record.served && register.needFor(record);
    if (need === undefined) {
      rollout.takeDown(record);
      return;
    }
    record.tried = undefined;
    record.fault = `Its folder is gone; it is served from memory because ${need}.`;
  }

  /** Serves what the register has, and logs what no other line of the log says: pins, folders, defaults. */
  function publish(): void {
    register.publish();
    const known = new Set(register.records().flatMap((one) => (isLogged(one) ? [labelOf(one)] : [])));
    const others = register.refused().filter((one) => !known.has(labelOf(one)));
    for (const fault of others) {
      const { name: model, version, reason } = fault;
      if (!announced.faults.has(keyOf(fault)))
        logger.error({ model, version, reason }, 'models folder: not as it should be');
    }
    for (const [model, { version, isPinned }] of register.defaults()) {
      const before = announced.defaults.get(model);
      if (before?.version === version && before.isPinned === isPinned) continue;
      logger.info({ model, version, isPinned }, 'default version');
    }
    announced = { faults: new Set(others.map(keyOf)), defaults: register.defaults() };
  }

  publish();
  const endWatch =
    options.intervalSeconds > 0
      ? watchModels({
          survey,
          first,
          intervalSeconds: options.intervalSeconds,
          onSurvey: (found) => inTurn(found, false),
        })
      : undefined;

  return {
    reload: async () => {
      const found = await survey().catch(() => undefined);
      if (found) await inTurn(found, true);
    },
    close() {
      closed = true;
      endWatch?.();
    },
  };
}

/** Whether the fault was logged when the files of the version were read. */
function isLogged({ tried }: VersionRecord): boolean {
  return tried !== undefined;
}

function keyOf({ name, version, reason }: RefusedPackage): string {
  return JSON.stringify([name, version, reason]);
}
