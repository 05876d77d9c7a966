// Checks whether servers give the same answers. Their speed can be compared only if they do.
import { messageOf } from '../../src/foundation/errors.js';
import type { ImageToSend } from './images.js';

/** The part of an answer that every server gives. */
export interface PlainAnswer {
  readonly label: string;
  readonly classIndex: number;
  readonly confidence: number;
}

export interface Agreement {
  /** Images with the same class. */
  readonly same: number;
  /** Names of the others. */
  readonly different: readonly string[];
  /** The largest difference between confidences. */
  readonly confidenceGap: number;
}

/** Requests at a time. They fill batches, so that the compared answers come from batches. */
const AT_A_TIME = 16;
const TIMEOUT_MS = 30_000;

/** Sends a POST. @throws Error if the answer is not 200 with label, class index, confidence and only the best class */
export async function classifyAt(url: string, image: Uint8Array, contentType: string): Promise<PlainAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': contentType },
    body: Uint8Array.from(image),
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${response.status}: ${text.slice(0, 200)}`);
  const { label, classIndex, confidence, top } = JSON.parse(text) as Partial<Record<string, unknown>>;
  const isWhole =
    typeof label === 'string' &&
    typeof classIndex === 'number' &&
    typeof confidence === 'number' &&
    Array.isArray(top) &&
    top.length === 1;
  if (!isWhole) {
    throw new Error(
      `The answer lacks label, classIndex, confidence or a top of one class: ${text.slice(0, 200)}`,
    );
  }
  return { label, classIndex, confidence };
}

/** @returns the answers to all images, in their order. @throws Error that names the image without an answer */
export async function answersOf(
  url: string,
  images: readonly ImageToSend[],
  contentType: string,
): Promise<PlainAnswer[]> {
  const answers: PlainAnswer[] = [];
  let next = 0;
  async function ask(): Promise<void> {
    for (let index = next++; index < images.length; index = next++) {
      const { name, bytes } = images[index] as ImageToSend;
      try {
        answers[index] = await classifyAt(url, bytes, contentType);
      } catch (error) {
        throw new Error(`${name}: ${messageOf(error)}`, { cause: error });
      }
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, ask));
  return answers;
}

/** Compares answers to the same images. */
export function agreementOf(
  images: readonly Pick<ImageToSend, 'name'>[],
  reference: readonly PlainAnswer[],
  answers: readonly PlainAnswer[],
): Agreement {
  const pairs = images.map(({ name }, index) => ({ name, ours: reference[index], theirs: answers[index] }));
  const different = pairs
    .filter(({ ours, theirs }) => ours?.label !== theirs?.label || ours?.classIndex !== theirs?.classIndex)
    .map(({ name }) => name);
  const gaps = pairs.map(({ ours, theirs }) =>
    Math.abs((ours?.confidence ?? Number.NaN) - (theirs?.confidence ?? Number.NaN)),
  );
  return { same: images.length - different.length, different, confidenceGap: Math.max(...gaps) };
}
