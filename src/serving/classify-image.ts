// Classifies one image: decodes it, runs it, audits it if it is sampled, counts it and builds the answer.
import type { ImageValues } from '../cascade/image-tensor.js';
import type { Decoder, MediaType } from '../decoding/decode.js';
import { correctPolarity } from '../decoding/polarity.js';
import type { Clock } from '../foundation/clock.js';
import { Failure } from '../foundation/errors.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { Dispatcher, Workers } from '../workers/dispatcher.js';
import type { ClientSignal, Outcome } from '../workers/request.js';
import { countPrediction } from './count-prediction.js';
import type { Plan } from './plan.js';
import { createPrediction, type Prediction } from './prediction.js';
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
  readonly image: EncodedImage | ReadyImage;
  readonly plan: Plan;
  /** Aborted when the client disconnects. */
  readonly signal?: ClientSignal | undefined;
  /** Filled in as the image progresses. */
  readonly timeline?: Timeline | undefined;
}

export interface ClassifyImageDeps {
  readonly decoder: Decoder;
  readonly submit: Dispatcher<Workers>['submit'];
  readonly usage: Usage;
  readonly metrics: Metrics;
  readonly now: Clock;
}

/** @returns a function that throws a Failure for an image without an answer */
export function createClassifyImage({ decoder, submit, usage, metrics, now }: ClassifyImageDeps) {
  return async (options: ClassifyOptions): Promise<Prediction> => {
    const { id } = options.plan.model;
    usage.begin(id);
    try {
      return await classify(options);
    } finally {
      usage.end(id);
    }
  };

  async function classify({ admitted, image, plan, signal, timeline }: ClassifyOptions): Promise<Prediction> {
    const started = now();
    if (timeline) timeline.started = started;
    const deadline = admitted + plan.deadlineSeconds;
    const dropped = (): Failure | undefined => {
      if (signal?.aborted)
        return new Failure('client-gone', 'The client closed the connection before it was answered.');
      if (now() < deadline) return undefined;
      return new Failure(
        'deadline-exceeded',
        'The deadline passed while the image waited for memory to decode it.',
      );
    };
    const decoding =
      'values' in image
        ? image.values
        : decoder.decode(image.bytes, image.mediaType, plan.model.manifest.input, dropped);
    // Most images are decoded synchronously; to await them would cost a turn of the event loop.
    const values = decoding instanceof Promise ? await decoding : decoding;
    // The graph's own values are as the client wants them.
    const isInverted = values instanceof Uint8Array && correctPolarity(values, plan.model.manifest.input);
    const decodeSeconds = now() - started;
    if (timeline) timeline.decoded = started + decodeSeconds;
    const sample = plan.profile.audit?.draw(plan);
    let outcome: Outcome;
    try {
      outcome = await submit({
        network: plan.model,
        policy: plan.profile.policy,
        path: plan.path,
        image: values,
        topK: plan.topK,
        explain: plan.explain,
        deadline,
        signal,
        timeline,
      });
      if (!hasProbabilities(outcome) || !(outcome.visits ?? []).every(hasProbabilities)) {
        throw noFiniteOutput(plan, values);
      }
    } catch (error) {
      sample?.notAnswered();
      throw error;
    }
    sample?.answered(outcome, values);
    const prediction = createPrediction(plan, outcome, decodeSeconds, now() - admitted, isInverted);
    countPrediction(metrics, prediction, outcome, decodeSeconds);
    if (timeline) {
      timeline.finished = now();
      timeline.prediction = prediction;
    }
    return prediction;
  }
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
