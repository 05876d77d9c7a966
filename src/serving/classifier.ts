// The interface of inference for the HTTP layer: admit(images), then classify(image, plan) → prediction for each.
// decode → dispatcher → worker ⟶ cascade ⇄ policies → engine
import type { Logger } from 'pino';
import type { Client } from '../access/client.js';
import type { PrivacyMode, SlowdownAction } from '../config/settings.js';
import { createDecoder } from '../decoding/decode.js';
import type { EngineChoice, PassedOver } from '../engines/choose.js';
import type { Clock } from '../foundation/clock.js';
import { UsageError } from '../foundation/errors.js';
import { afterTurn, startTimer } from '../foundation/timers.js';
import { labelOf, networkOf } from '../network/network.js';
import type { Survey } from '../packages/models-folder/survey.js';
import { type FoundPackages, type RefusedPackage, reasonsOf } from '../packages/repository.js';
import type { Metrics } from '../telemetry/metrics.js';
import { createDispatcher, type Dispatcher } from '../workers/dispatcher.js';
import type { EngineInfo } from '../workers/protocol.js';
import type { ClientSignal } from '../workers/request.js';
import { startThread } from '../workers/thread.js';
import { createWorkerPool, type WorkerPool } from '../workers/worker-pool.js';
import { createAdmission } from './admission.js';
import { announceEngine } from './announce-engine.js';
import { createAudits } from './auditing/audits.js';
import { type Catalog, createCatalog } from './catalog.js';
import { createClassifyImage, type EncodedImage, type ReadyImage } from './classify-image.js';
import { createLadders } from './degradation/ladders.js';
import type { Plan } from './plan.js';
import type { Prediction } from './prediction.js';
import { createPacing } from './privacy/pacing.js';
import { createRegister, type Register } from './rollout/register.js';
import { createReloader } from './rollout/reloader.js';
import { createRollout, type Rollout } from './rollout/rollout.js';
import { holderOf } from './slowdown/slow-lane.js';
import { type Caller, createSlowdownWatch, type SlowdownWatch } from './slowdown/slowdown-watch.js';
import type { Timeline } from './timeline.js';
import { createUsage } from './usage.js';

/** The engine in use. */
export interface EngineStatus extends EngineInfo {
  readonly workers: number;
  /** Engines that were not chosen, and why. */
  readonly passedOver: PassedOver[];
}

/** The images of one request. */
export interface Admitted {
  /**
   * Classifies one image. Its deadline and its total time start at admission.
   * @param signal aborted when the client disconnects
   * @param timeline is filled in as the image progresses
   * @throws Failure
   */
  classify(
    image: EncodedImage | ReadyImage,
    plan: Plan,
    signal?: ClientSignal,
    timeline?: Timeline,
  ): Promise<Prediction>;
  /** Gives the places back. */
  leave(): void;
}

export interface Classifier {
  readonly catalog: Catalog;
  readonly engine: EngineStatus;
  /** undefined: clients are not tested. */
  readonly slowdown: SlowdownWatch | undefined;
  /** What lies in the models folder and is not served as it lies there, and why. */
  refused(): readonly RefusedPackage[];
  /** If false, requests are answered with `worker-lost` until a worker can be started again. */
  hasWorkers(): boolean;
  /** Whether there is a place for one image. Parameters as for `admit`. */
  hasRoom(client?: Client, caller?: Caller): boolean;
  /**
   * Takes places for `images` images, all or none.
   * @param client pays for the images; undefined: nobody in particular
   * @param caller undefined: clients are not tested for slowdown inputs
   * @throws Failure `budget-exceeded`, `saturated`
   */
  admit(images: number, client?: Client, caller?: Caller): Admitted;
  /** Serves what is in the models folder now. The log and the metrics show the result. */
  reload(): Promise<void>;
  /** Ends the workers after they have finished their batches. */
  close(): Promise<void>;
}

export interface ClassifierOptions {
  readonly found: FoundPackages;
  /** Looks at the models folder again. @throws UsageError if it cannot be read */
  readonly survey: () => Promise<Survey>;
  readonly maxBatch: number;
  readonly maxInFlight: number;
  readonly maxImagePixels: number;
  readonly maxImageMemoryBytes: number;
  /** Interval between checks of the models folder; 0: no checks. */
  readonly reloadSeconds: number;
  /** Empty: the first model by name. */
  readonly defaultModel: string;
  readonly choice: EngineChoice;
  /** Share of certified answers that are audited. */
  readonly auditFraction: number;
  /** Probability of a false alarm, for each profile. */
  readonly auditAlpha: number;
  /** Names of certified profiles, comma-separated; empty: requests are never degraded. */
  readonly ladder: string;
  readonly ladderTargetMs: number;
  readonly slowdownAction: SlowdownAction;
  readonly slowdownAlpha: number;
  readonly slowdownTolerance: number;
  readonly slowdownClients: number;
  readonly privacy: PrivacyMode;
  /** Between the moments at which answers leave, unless `privacy` is off. */
  readonly privacyIntervalMs: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly now: Clock;
}

/** Starts the workers, which check every package before it is served. @throws UsageError if no model can be served */
export async function createClassifier(options: ClassifierOptions): Promise<Classifier> {
  const { choice, metrics, logger, now } = options;
  const admission = createAdmission(
    options.maxInFlight,
    `All ${options.maxInFlight} places for images in flight are taken.`,
  );
  const { workers: pool, ...dispatcher } = startDispatcher(options);
  const usage = createUsage();
  const auditsOf = createAudits({
    fraction: options.auditFraction,
    alpha: options.auditAlpha,
    async run(job) {
      usage.begin(job.network.id);
      return dispatcher.submitBackground(job).finally(() => usage.end(job.network.id));
    },
    random: options.random,
    metrics,
    logger,
  });
  const waitSeconds = (): number => dispatcher.waitingSeconds() / choice.workers;
  const ladders = createLadders({
    ladder: options.ladder,
    targetSeconds: options.ladderTargetMs / 1000,
    workers: choice.workers,
    waitSeconds,
    engineSeconds: dispatcher.engineSeconds,
    now,
    startTimer,
    metrics,
    logger,
  });
  metrics.observe({
    expectedWaitSeconds: waitSeconds,
    queueDepth: dispatcher.waiting,
    slowLaneDepth: dispatcher.waitingInSlowLane,
    inFlight: admission.inside,
    maxInFlight: options.maxInFlight,
    workers: choice.workers,
  });

  const { engine, refused: refusedByWorkers } = await pool.start();
  announceEngine(engine, choice.passedOver, metrics, logger);
  const refused = [...options.found.refused, ...refusedBy(refusedByWorkers, options.found)];
  const catalog = await catalogOf(options, refusedByWorkers, refused).catch(async (error: unknown) => {
    await pool.close();
    throw error;
  });
  const register = createRegister({ catalog, engine, metrics });
  const rollout = createRollout({ register, pool, usage, auditsOf, ladders, engine, metrics, logger });
  open(options, { register, rollout }, refused);
  const reloader = createReloader({
    register,
    rollout,
    survey: options.survey,
    first: options.found.survey,
    intervalSeconds: options.reloadSeconds,
    metrics,
    logger,
  });
  ladders.start();
  const decoder = createDecoder(options);
  const { submit } = dispatcher;
  const pacing =
    options.privacy === 'off'
      ? undefined
      : createPacing({
          mode: options.privacy,
          intervalSeconds: options.privacyIntervalMs / 1000,
          workers: choice.workers,
          submit,
          now,
          startTimer,
        });
  const classify = createClassifyImage({ decoder, submit, usage, pacing, metrics, now });

  return {
    catalog,
    engine: { ...engine, workers: choice.workers, passedOver: [...choice.passedOver] },
    slowdown: watchSlowdown(options),
    refused: register.refused,
    hasWorkers: pool.hasWorkers,
    hasRoom: (client, caller) => admission.hasRoom(1, holderOf(client, caller)),
    admit(images, client, caller) {
      client?.checkBudget();
      const leave = admission.enter(images, holderOf(client, caller));
      const admitted = now();
      return {
        classify: (image, plan, signal, timeline) =>
          classify({ admitted, images, image, plan, client, signal, timeline }),
        leave,
      };
    },
    reload: reloader.reload,
    close() {
      reloader.close();
      ladders.close();
      return pool.close();
    },
  };
}

function startDispatcher({ choice, metrics, ...options }: ClassifierOptions): Dispatcher<WorkerPool> {
  const { maxBatch, logger, now } = options;
  return createDispatcher({
    maxBatch,
    eager: choice.buffer.eager,
    backgroundShare: options.auditFraction,
    now,
    startTimer,
    afterTurn,
    createWorkers: (events) =>
      createWorkerPool({
        ...events,
        size: choice.workers,
        maxBatch,
        concurrentBatches: choice.buffer.concurrentBatches,
        engine: { module: choice.module, options: { ...choice.options, maxBatch } },
        networks: options.found.packages.map((one) => networkOf(one)),
        startThread,
        startTimer,
        logger,
        onRestart: () => metrics.workerRestarts.inc(),
      }),
    onSegment({ manifest: { name: model, version } }, { exit, batch, seconds }) {
      const labels = { model, version, stage: exit };
      metrics.stageSeconds.observe(labels, seconds);
      metrics.batchSize.observe(labels, batch);
    },
  });
}

function watchSlowdown(options: ClassifierOptions): SlowdownWatch | undefined {
  const { slowdownAction: action, metrics, logger } = options;
  if (action === 'off') return undefined;
  return createSlowdownWatch({
    action,
    alpha: options.slowdownAlpha,
    tolerance: options.slowdownTolerance,
    maxClients: options.slowdownClients,
    now: Date.now,
    metrics,
    logger,
  });
}

/** The packages that the workers refused. */
function refusedBy(workers: ReadonlyMap<string, string>, { packages }: FoundPackages): RefusedPackage[] {
  return packages.flatMap(({ manifest }) => {
    const { name, version } = manifest;
    const reason = workers.get(labelOf(manifest));
    return reason === undefined ? [] : [{ name, version, reason }];
  });
}

/** @throws UsageError if there is no model, or the default model is missing */
async function catalogOf(
  { found, defaultModel: wanted }: Pick<ClassifierOptions, 'found' | 'defaultModel'>,
  refusedByWorkers: ReadonlyMap<string, string>,
  refused: readonly RefusedPackage[],
): Promise<Catalog> {
  const names = found.packages
    .filter(({ manifest }) => !refusedByWorkers.has(labelOf(manifest)))
    .map(({ manifest }) => manifest.name);
  const defaultModel = wanted || (names[0] ?? '');
  if (names.includes(defaultModel)) return createCatalog(defaultModel);
  const reasons = reasonsOf(refused);
  throw new UsageError(
    defaultModel
      ? `The default model "${defaultModel}" is not among those that can be served.${reasons}`
      : `There is no model that can be served.${reasons}`,
  );
}

/** Serves what was found at the start. */
function open(
  { found: { packages, survey }, logger }: Pick<ClassifierOptions, 'found' | 'logger'>,
  { register, rollout }: { register: Register; rollout: Rollout },
  refused: readonly RefusedPackage[],
): void {
  register.note(survey);
  const reasons = new Map(refused.map((one) => [labelOf(one), one.reason]));
  for (const [label, { name, version, fingerprint }] of survey.versions) {
    const record = register.recordOf({ name, version });
    record.tried = fingerprint;
    record.fault = reasons.get(label);
    const one = packages.find(({ manifest }) => labelOf(manifest) === label);
    // Reading a refused package once more does no harm; the workers do not try it again.
    record.isSettled = one !== undefined;
    if (record.fault === undefined && one) rollout.open(one);
    else logger.error({ model: name, version, reason: record.fault }, 'model refused');
  }
}
