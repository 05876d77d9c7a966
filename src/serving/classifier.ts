// The interface of inference for the HTTP layer: admit(images), then classify(image, plan) → prediction for each.
// decode → dispatcher → worker ⟶ cascade ⇄ policies → engine
import type { Logger } from 'pino';
import { createDecoder } from '../decoding/decode.js';
import type { EngineChoice, PassedOver } from '../engines/choose.js';
import type { Clock } from '../foundation/clock.js';
import { UsageError } from '../foundation/errors.js';
import { afterTurn, startTimer } from '../foundation/timers.js';
import { networkOf } from '../network/network.js';
import type { ModelPackage } from '../packages/package.js';
import { type RefusedPackage, reasonsOf } from '../packages/repository.js';
import type { Metrics } from '../telemetry/metrics.js';
import { createDispatcher, type Dispatcher } from '../workers/dispatcher.js';
import type { EngineInfo } from '../workers/protocol.js';
import type { ClientSignal } from '../workers/request.js';
import { startThread } from '../workers/thread.js';
import { createWorkerPool, type WorkerPool } from '../workers/worker-pool.js';
import { createAdmission } from './admission.js';
import { announceCertificates, withdrawCertificates } from './announce-certificates.js';
import { announceEngine, announceModels } from './announce-start.js';
import { createAudits } from './auditing/audits.js';
import { type Catalog, createCatalog, type ServedModel, servedModelOf } from './catalog.js';
import { createClassifyImage, type EncodedImage } from './classify-image.js';
import { createLadders } from './degradation/ladders.js';
import type { Plan } from './plan.js';
import type { Prediction } from './prediction.js';
import { createReloader } from './reloader.js';
import type { Timeline } from './timeline.js';

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
  classify(image: EncodedImage, plan: Plan, signal?: ClientSignal, timeline?: Timeline): Promise<Prediction>;
  /** Gives the places back. */
  leave(): void;
}

export interface Classifier {
  readonly catalog: Catalog;
  readonly engine: EngineStatus;
  /** Packages that were found but cannot be served, and why. */
  readonly refused: readonly RefusedPackage[];
  /** If false, requests are answered with `worker-lost` until a worker can be started again. */
  hasWorkers(): boolean;
  /** Whether there is a place for one image. */
  hasRoom(): boolean;
  /** Takes places for `images` images, all or none. @throws Failure `saturated` */
  admit(images: number): Admitted;
  /** Rereads the profiles of all packages and serves them. The log and the metrics show the result. */
  reload(): Promise<void>;
  /** Ends the workers after they have finished their batches. */
  close(): Promise<void>;
}

export interface ClassifierOptions {
  readonly packages: readonly ModelPackage[];
  readonly refused: readonly RefusedPackage[];
  readonly maxBatch: number;
  readonly maxInFlight: number;
  readonly maxImagePixels: number;
  readonly maxImageMemoryBytes: number;
  /** Interval between checks for changed profiles; 0: no checks. */
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
  const auditsOf = createAudits({
    fraction: options.auditFraction,
    alpha: options.auditAlpha,
    run: dispatcher.submitBackground,
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
    inFlight: admission.inside,
    maxInFlight: options.maxInFlight,
    workers: choice.workers,
  });

  const { engine, refused: refusedByWorkers } = await pool.start();
  announceEngine(engine, choice.passedOver, metrics, logger);
  const { packages, refused } = sortOut(options, refusedByWorkers);
  const serve = (one: ModelPackage): ServedModel => servedModelOf(one, engine, auditsOf(one), ladders.of);
  const models = [...packages.values()].map(serve);
  announceModels(models, refused, engine, metrics, logger);
  const catalog = await catalogOf(models, refused, options.defaultModel).catch(async (error: unknown) => {
    await pool.close();
    throw error;
  });
  const reloader = createReloader({
    packages,
    intervalSeconds: options.reloadSeconds,
    load: pool.load,
    swap(next) {
      const model = serve(next);
      withdrawCertificates(catalog.find(model.name, model.version), metrics);
      catalog.replace(model);
      announceCertificates(model, metrics, logger);
    },
    metrics,
    logger,
  });
  ladders.start();
  const decoder = createDecoder(options);
  const classify = createClassifyImage({ decoder, submit: dispatcher.submit, metrics, now });

  return {
    catalog,
    engine: { ...engine, workers: choice.workers, passedOver: [...choice.passedOver] },
    refused,
    hasWorkers: pool.hasWorkers,
    hasRoom: () => admission.hasRoom(),
    admit(images) {
      const leave = admission.enter(images);
      const admitted = now();
      return {
        classify: (image, plan, signal, timeline) => classify({ admitted, image, plan, signal, timeline }),
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
        networks: options.packages.map(networkOf),
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

/** Separates the packages that can be served, by id, from those that are refused, including by the workers. */
function sortOut(
  options: Pick<ClassifierOptions, 'packages' | 'refused'>,
  refusedByWorkers: ReadonlyMap<string, string>,
) {
  const packages = new Map<string, ModelPackage>();
  const refused = [...options.refused];
  for (const one of options.packages) {
    const { name, version } = one.manifest;
    const { id } = networkOf(one);
    const reason = refusedByWorkers.get(id);
    if (reason === undefined) packages.set(id, one);
    else refused.push({ name, version, reason });
  }
  return { packages, refused };
}

/** @throws UsageError if there is no model, or the default model is missing */
async function catalogOf(
  models: readonly ServedModel[],
  refused: readonly RefusedPackage[],
  wanted: string,
): Promise<Catalog> {
  const defaultModel = wanted || (models[0]?.name ?? '');
  if (models.some(({ name }) => name === defaultModel)) return createCatalog(models, defaultModel);
  const reasons = reasonsOf(refused);
  throw new UsageError(
    defaultModel
      ? `The default model "${defaultModel}" is not among those that can be served.${reasons}`
      : `There is no model that can be served.${reasons}`,
  );
}
