// One inference of the protocol: its images through the same door as those of POST /classify. They are admitted together
// or not at all, and answered together: if one fails, the others are cancelled and the request fails.
import type { Client } from '../access/client.js';
import { createClientSignal } from '../foundation/client-signal.js';
import { Failure } from '../foundation/errors.js';
import type { Admitted, Classifier } from '../serving/classifier.js';
import type { EncodedImage, ReadyImage } from '../serving/classify-image.js';
import type { Plan } from '../serving/plan.js';
import type { Prediction } from '../serving/prediction.js';
import type { Told } from '../serving/privacy/telling.js';
import type { Caller } from '../serving/slowdown/slowdown-watch.js';
import type { Timeline } from '../serving/timeline.js';
import type { ClientSignal } from '../workers/request.js';
import { chooseOutputs, classesNeeded, outputTensors, type RequestedOutput } from './outputs.js';
import { planOf, type RequestParameters } from './parameters.js';
import { type ImageLimits, imagesOf } from './read-images.js';
import type { InputTensor, OutputTensor } from './tensors.js';

export interface InferenceRequest {
  readonly model: string;
  /** undefined: the default one. */
  readonly version: string | undefined;
  readonly parameters: RequestParameters;
  readonly inputs: readonly InputTensor[];
  readonly outputs: readonly RequestedOutput[];
}

export interface InferenceResult {
  readonly model: string;
  readonly version: string;
  readonly outputs: readonly OutputTensor[];
  /** Of the model. */
  readonly classes: readonly string[];
}

/** What answers tell, by the server's privacy mode. */
export interface Telling {
  /** Whether they tell the class alone. */
  readonly isStrict: boolean;
  of(prediction: Prediction): Told;
}

/** The images of a request that is admitted. */
export interface AdmittedInference {
  /**
   * Call once. It keeps nothing of the request, whose body may be dropped before.
   * @param timeline gives the timeline of an image, if it is traced
   * @throws Failure
   */
  run(signal: ClientSignal, timeline: () => Timeline | undefined): Promise<InferenceResult>;
}

/** Checks the request and takes a place for each image. @param client as for `Classifier.admit`. @throws Failure */
export function admitInference(
  request: InferenceRequest,
  classifier: Pick<Classifier, 'catalog' | 'admit'>,
  limits: ImageLimits,
  telling: Telling,
  client?: Client,
  caller?: Caller,
): AdmittedInference {
  const model = classifier.catalog.find(request.model, request.version);
  const outputs = chooseOutputs(request.outputs, telling.isStrict);
  const plan = planOf(model, request.parameters, classesNeeded(outputs, model), telling.isStrict, caller);
  const { count, read } = imagesOf(request.inputs, model.manifest.input, limits);
  const admitted = classifier.admit(count, client, caller);
  let images: (EncodedImage | ReadyImage)[];
  try {
    images = read();
  } catch (error) {
    admitted.leave();
    throw error;
  }
  return {
    async run(signal, timeline) {
      try {
        const answers = await classifyAll(admitted, images, plan, signal, timeline);
        // The outputs of a strict server read only what it tells.
        const told = answers.map((answer) => telling.of(answer) as Prediction);
        return {
          model: model.name,
          version: model.version,
          outputs: outputTensors(outputs, told),
          classes: model.manifest.classes,
        };
      } finally {
        admitted.leave();
      }
    },
  };
}

/** Waits for all images, also after one has failed, because they hold their places until then. */
async function classifyAll(
  admitted: Admitted,
  images: readonly (EncodedImage | ReadyImage)[],
  plan: Plan,
  connection: ClientSignal,
  timeline: () => Timeline | undefined,
): Promise<Prediction[]> {
  const rest = createClientSignal();
  if (connection.aborted) rest.abort();
  connection.addEventListener('abort', rest.abort);
  const failures: unknown[] = [];
  const answers = await Promise.all(
    images.map(async (image, index) => {
      try {
        return await admitted.classify(image, plan, rest.signal, timeline());
      } catch (error) {
        failures.push(ofImage(error, index, images.length));
        rest.abort();
        return undefined;
      }
    }),
  );
  if (failures.length > 0) throw failures[0];
  return answers.filter((answer) => answer !== undefined);
}

/** The failure of one image, which it names if there are several. */
function ofImage(error: unknown, index: number, images: number): unknown {
  if (!(error instanceof Failure) || images === 1) return error;
  const { type, message, retryAfterSeconds, cause } = error;
  return new Failure(type, `Image ${index}, counted from 0: ${message}`, {
    cause,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}
