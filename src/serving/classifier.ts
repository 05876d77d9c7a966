// Inference as the HTTP layer sees it: admit(images), then for each classify(image, plan) → prediction.
// decode → scheduler → worker ⟶ cascade ⇄ exit-policy → engine
import type { Logger } from 'pino';
import { createDecoder, type MediaType } from '../decoding/decode.js';
import type { EngineChoice, PassedOver } from '../engines/choose.js';
import type { Clock } from '../foundation/clock.js';
import { Failure, UsageError } from '../foundation/errors.js';
import { networkOf } from '../network/network.js';
import type { ModelPackage } from '../packages/package.js';
import { type RefusedPackage, reasonsOf } from '../packages/repository.js';
import type { Metrics } from '../telemetry/metrics.js';
import { createBackground } from '../workers/background.js';
import type { EngineInfo } from '../workers/protocol.js';
import { type ClientSignal, createScheduler, type Outcome } from '../workers/scheduler.js';
import { createWorkerPool } from '../workers/worker-pool.js';
import { createAdmission } from './admission.js';
import { announceCertificates, withdrawCertificates } from './announce-certificates.js';
import { announceEngine, announceModels } from './announce-start.js';
import { createAudits } from './auditing/audits.js';
import { type Catalog, createCatalog, servedModelOf } from './catalog.js';
import { countPrediction } from './count-prediction.js';
import type { Plan } from './plan.js';
import { createPrediction, type Prediction } from './prediction.js';
import { createReloader } from './reloader.js';
import type { Timeline } from './timeline.js';

export interface EncodedImage {
  readonly bytes: Uint8Array;
  /** What the client says it is; undefined: its content tells. */
  readonly mediaType: MediaType | undefined;
}

/** The engine in use. */
export interface EngineStatus extends EngineInfo {
  readonly workers: number;
  /** Those that were not taken, and why. */
  readonly passedOver: PassedOver[];
}

/** The images of one request. */
export interface Admitted {
  /**
   * Classifies one of them. Its deadline and its total time run from their admission.
   * @param signal says that nobody waits for it any more
   * @param timeline is filled in as far as the image gets
   * @throws Failure
   */
  classify(image: EncodedImage, plan: Plan, signal?: ClientSignal, timeline?: Timeline): Promise<Prediction>;
  /** Gives their places back. */
  leave(): void;
}

export interface Classifier {
  readonly catalog: Catalog;
  readonly engine: EngineStatus;
  /** Packages that were found but cannot be served, and why. */
  readonly refused: readonly RefusedPackage[];
  /** If not, requests are answered `worker-lost` until a worker can be started again. */
  hasWorkers(): boolean;
  /** Takes places for `images` images, all or none. @throws Failure `saturated` */
  admit(images: number): Admitted;
  /** Serves the profiles that lie in the packages now. What came of it is in the log and in the metrics. */
  reload(): Promise<void>;
  /** Lets the workers finish what they have and ends them. */
  close(): Promise<void>;
}

export interface ClassifierOptions {
  readonly packages: readonly ModelPackage[];
  readonly refused: readonly RefusedPackage[];
  readonly maxBatch: number;
  readonly maxInFlight: number;
  readonly maxImagePixels: number;
  readonly maxImageMemoryBytes: number;
  /** How often to look for changed profiles; 0: never. */
  readonly reloadSeconds: number;
  /** Empty: the first by name. */
  readonly defaultModel: string;
  readonly choice: EngineChoice;
  /** Share of certified answers that is audited. */
  readonly auditFraction: number;
  /** Probability of a false alarm, for each profile. */
  readonly auditAlpha: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly now: Clock;
}

/** Starts the workers, which check every package before it is served. @throws UsageError if none can be */
export async function createClassifier(options: ClassifierOptions): Promise<Classifier> {
  const { choice, metrics, logger, now } = options;
  const admission = createAdmission(
    options.maxInFlight,
    `All ${options.maxInFlight} places for images in flight are taken.`,
  );
  const decoder = createDecoder(options);
  const pool = createWorkerPool({
    size: choice.workers,
    maxBatch: options.maxBatch,
    concurrentBatches: choice.hand.concurrentBatches,
    engine: { module: choice.module, options: { ...choice.options, maxBatch: options.maxBatch } },
    networks: options.packages.map(networkOf),
    logger,
    onAccepting() {
      background.takeShare();
      scheduler.dispatch();
      background.takeRest();
    },
    onRestart: () => metrics.workerRestarts.inc(),
    onNoneLeft: () => scheduler.giveUp(),
  });
  const scheduler = createScheduler({
    idle: pool.idle,
    accepting: pool.accepting,
    hasWorkers: pool.hasWorkers,
    eager: choice.hand.eager,
    run: pool.run,
    maxBatch: options.maxBatch,
    now,
    onSegment({ manifest: { name: model, version } }, { exit, batch, seconds }) {
      const labels = { model, version, stage: exit };
      metrics.stageSeconds.observe(labels, seconds);
      metrics.batchSize.observe(labels, batch);
      background.earn(seconds);
    },
  });
  const background = createBackground({
    idle: pool.idle,
    accepting: pool.accepting,
    run: pool.run,
    waiting: scheduler.depth,
    share: options.auditFraction,
  });
  const auditsOf = createAudits({
    fraction: options.auditFraction,
    alpha: options.auditAlpha,
    run: background.run,
    random: options.random,
    metrics,
    logger,
  });
  metrics.observe({
    queueDepth: scheduler.depth,
    inFlight: admission.inside,
    maxInFlight: options.maxInFlight,
    workers: choice.workers,
  });

  const { engine, refused: refusedByWorkers } = await pool.start();
  announceEngine(engine, choice.passedOver, metrics, logger);
  const packages = new Map<string, ModelPackage>();
  const refused = [...options.refused];
  for (const one of options.packages) {
    const { name, version } = one.manifest;
    const { id } = networkOf(one);
    const reason = refusedByWorkers.get(id);
    if (reason === undefined) packages.set(id, one);
    else refused.push({ name, version, reason });
  }
  const models = [...packages.values()].map((one) => servedModelOf(one, engine, auditsOf(one)));
  announceModels(models, refused, engine, metrics, logger);
  const defaultModel = options.defaultModel || (models[0]?.name ?? '');
  if (!models.some(({ name }) => name === defaultModel)) {
    await pool.close();
    const reasons = reasonsOf(refused);
    throw new UsageError(
      defaultModel
        ? `The default model "${defaultModel}" is not among those that can be served.${reasons}`
        : `There is no model that can be served.${reasons}`,
    );
  }

  const catalog = createCatalog(models, defaultModel);
  const reloader = createReloader({
    packages,
    intervalSeconds: options.reloadSeconds,
    load: pool.load,
    swap(next) {
      const model = servedModelOf(next, engine, auditsOf(next));
      withdrawCertificates(catalog.find(model.name, model.version), metrics);
      catalog.replace(model);
      announceCertificates(model, metrics, logger);
    },
    metrics,
    logger,
  });

  async function classify(
    admitted: number,
    image: EncodedImage,
    plan: Plan,
    signal?: ClientSignal,
    timeline?: Timeline,
  ): Promise<Prediction> {
    const started = now();
    if (timeline) timeline.started = started;
    const decoding = decoder.decode(image.bytes, image.mediaType, plan.model.manifest.input);
    // Most images are decoded at once; awaiting those would only cost a turn of the event loop.
    const pixels = decoding instanceof Promise ? await decoding : decoding;
    const decodeSeconds = now() - started;
    if (timeline) timeline.decoded = started + decodeSeconds;
    const sample = plan.profile.audit?.draw(plan);
    let outcome: Outcome;
    try {
      outcome = await scheduler.submit({
        network: plan.model,
        policy: plan.profile.policy,
        path: plan.path,
        pixels,
        topK: plan.topK,
        deadline: admitted + plan.deadlineSeconds,
        signal,
        timeline,
      });
      if (!Number.isFinite(outcome.top[0]?.probability)) {
        throw new Failure('internal-error', `${plan.model.id} gave no finite output for this image.`);
      }
    } catch (error) {
      sample?.notAnswered();
      throw error;
    }
    sample?.answered(outcome, pixels);
    const prediction = createPrediction(plan, outcome, decodeSeconds, now() - admitted);
    countPrediction(metrics, prediction, outcome, decodeSeconds);
    if (timeline) {
      timeline.finished = now();
      timeline.prediction = prediction;
    }
    return prediction;
  }

  return {
    catalog,
    engine: { ...engine, workers: choice.workers, passedOver: [...choice.passedOver] },
    refused,
    hasWorkers: pool.hasWorkers,
    admit(images) {
      const leave = admission.enter(images);
      const admitted = now();
      return { classify: (...image) => classify(admitted, ...image), leave };
    },
    reload: reloader.reload,
    close() {
      reloader.close();
      return pool.close();
    },
  };
}
