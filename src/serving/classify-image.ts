// Classifies one image: decodes it, runs it, audits it if it is sampled, counts it and builds the answer.
import type { Client } from '../access/client.js';
import type { ImageValues } from '../cascade/image-tensor.js';
import type { Decoder } from '../decoding/decode.js';
import type { MediaType } from '../decoding/media-types.js';
import { correctPolarity } from '../decoding/polarity.js';
import type { Clock } from '../foundation/clock.js';
import { Failure } from '../foundation/errors.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { Dispatcher, Workers } from '../workers/dispatcher.js';
import type { Account, ClientSignal, Job, Outcome } from '../workers/request.js';
import { countPrediction } from './count-prediction.js';
import { expectedFlops, type Plan } from './plan.js';
import { createPrediction, type Prediction } from './prediction.js';
import type { Paced, Pacing } from './privacy/pacing.js';
import type { Timeline } from './timeline.js';
import type { Usage } from './usage.js';

export interface EncodedImage {
  readonly bytes: Uint8Array;
  /** The media type from the client; undefined: the format is detected from the content. */
  readonly mediaType: MediaType | undefined;
}

/** An image that needs no decoding: the model's size, as pixels, which may be changed, or as the graph's own values. */
export interface ReadyImage {
  readonly values: ImageValues;
}

export interface ClassifyOptions {
  /** Time of admission: the deadline and the total time start then. */
  readonly admitted: number;
  /** Admitted together. */
  readonly images: number;
  readonly image: EncodedImage | ReadyImage;
  readonly plan: Plan;
  /** Pays for the image. undefined: nobody in particular. */
  readonly client: Client | undefined;
  /** Aborted when the client disconnects. */
  readonly signal?: ClientSignal | undefined;
  /** Filled in as the image progresses. */
  readonly timeline?: Timeline | undefined;
}

export interface ClassifyImageDeps {
  readonly decoder: Decoder;
  readonly submit: Dispatcher<Workers>['submit'];
  readonly usage: Usage;
  /** undefined: answers leave as soon as they are ready. */
  readonly pacing: Pacing | undefined;
  readonly metrics: Metrics;
  readonly now: Clock;
}

/** @returns a function that throws a Failure for an image without an answer */
export function createClassifyImage({ decoder, submit, usage, pacing, metrics, now }: ClassifyImageDeps) {
  if (!pacing) return counted;
  return ({ admitted, images, plan, signal, ...rest }: ClassifyOptions): Promise<Prediction> =>
    pacing.pace({ admitted, images, signal }, (paced) =>
      counted({ admitted, images, plan, signal, ...rest }, paced),
    );

  async function counted(options: ClassifyOptions, paced?: Paced): Promise<Prediction> {
    const { id } = options.plan.model;
    usage.begin(id);
    try {
      return await classify(options, paced);
    } finally {
      usage.end(id);
    }
  }

  async function classify(options: ClassifyOptions, paced: Paced | undefined): Promise<Prediction> {
    const { admitted, plan, client, signal, timeline } = options;
    const started = now();
    if (timeline) timeline.started = started;
    const deadline = admitted + plan.deadlineSeconds;
    const account = accountOf(client, plan);
    let values: ImageValues;
    try {
      const decoding = decode(options, deadline);
      // Most images are decoded synchronously; to await them would cost a turn of the event loop.
      values = decoding instanceof Promise ? await decoding : decoding;
    } catch (error) {
      account?.settle(0);
      throw error;
    }
    // The graph's own values are as the client wants them.
    const isInverted = values instanceof Uint8Array && correctPolarity(values, plan.model.manifest.input);
    const decodeSeconds = now() - started;
    if (timeline) timeline.decoded = started + decodeSeconds;
    const typicality = plan.model.typicality?.measure(values);
    const job: Job = {
      network: plan.model,
      policy: plan.profile.policy,
      path: plan.path,
      image: values,
      topK: plan.topK,
      explain: plan.explain,
      deadline,
      signal,
      account,
      timeline,
    };
    const sample = plan.profile.audit?.draw(plan);
    const watched = plan.caller?.begin(plan.profile);
    let outcome: Outcome;
    try {
      outcome = await (pacing && paced ? pacing.run(job, paced) : submit(job));
      if (!hasProbabilities(outcome) || !(outcome.visits ?? []).every(hasProbabilities)) {
        throw noFiniteOutput(plan, values);
      }
    } catch (error) {
      sample?.notAnswered();
      watched?.notAnswered();
      throw error;
    }
    sample?.answered(outcome, values);
    watched?.answered(plan.path[outcome.step] ?? plan.path[0]);
    const prediction = createPrediction(plan, outcome, {
      ...{ isInverted, typicality, decodeSeconds },
      totalSeconds: now() - admitted,
    });
    countPrediction(metrics, prediction, outcome, decodeSeconds);
    if (account?.flow.isSlow) {
      const { name: model, version } = prediction.model;
      metrics.slowdownSlowLane.inc({ model, version });
    }
    if (timeline) {
      timeline.finished = now();
      timeline.prediction = prediction;
    }
    return prediction;
  }

  function decode({ image, plan, signal }: ClassifyOptions, deadline: number) {
    if ('values' in image) return image.values;
    return decoder.decode(image.bytes, image.mediaType, plan.model.manifest.input, () => {
      if (signal?.aborted)
        return new Failure('client-gone', 'The client closed the connection before it was answered.');
      if (now() < deadline) return undefined;
      return new Failure(
        'deadline-exceeded',
        'The deadline passed while the image waited for memory to decode it.',
      );
    });
  }
}

/** Charges the client for one image. @returns undefined: nobody is charged, and the image waits like most */
function accountOf(client: Client | undefined, plan: Plan): Account | undefined {
  const flow = plan.caller?.slowLane() ?? client;
  if (!flow) return undefined;
  const expected = expectedFlops(plan);
  return { flow, expectedFlops: expected, settle: client?.charge(expected) ?? (() => {}) };
}

/** Whether an exit gave numbers. */
function hasProbabilities({ top }: Pick<Outcome, 'top'>): boolean {
  return Number.isFinite(top[0]?.probability);
}

/** Every image of pixels has an output; values can be so large that there is none. */
function noFiniteOutput({ model }: Plan, values: ImageValues): Failure {
  if (values instanceof Uint8Array)
    return new Failure('internal-error', `${model.label} gave no finite output for this image.`);
  return new Failure(
    'invalid-body',
    `${model.label} gives no finite output for this tensor: scale its values as the model takes them.`,
  );
}
