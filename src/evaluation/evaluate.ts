// Runs a data set through a model under several profiles and collects the answers. summary.ts computes figures from
// them, metrics-agreement.ts compares them with the service's own counts.

import type { ExitReason } from '../cascade/cascade.js';
import type { Sample } from '../datasets/data-set.js';
import { monotonicSeconds } from '../foundation/clock.js';
import { messageOf, UsageError } from '../foundation/errors.js';
import type { Answered, LoadedSample, Subject } from './subject.js';

export interface Answer {
  readonly classIndex: number;
  /** Index of the exit taken. */
  readonly exit: number;
  readonly reason: ExitReason;
  /** FLOPs executed. */
  readonly flops: number;
}

export interface ProfileAnswers {
  readonly profile: string;
  /** One for each sample, in order. */
  readonly answers: readonly Answer[];
  /** Duration of classification, without reading the samples. */
  readonly seconds: number;
}

/** Number of samples read before they are classified: disk time is not measured, and memory is bounded. */
const BLOCK = 512;
/** Concurrent requests: enough to keep the workers busy, few enough never to be refused. */
const CONCURRENCY = 32;

/**
 * Each block of samples goes through all profiles in turn, so that a machine that becomes slower affects all profiles.
 *
 * @param onProgress called after each answer
 * @throws UsageError if a sample cannot be read or is not classified
 */
export async function evaluate(
  subject: Subject,
  samples: readonly Sample[],
  profiles: readonly string[],
  onProgress: () => void,
): Promise<ProfileAnswers[]> {
  const results = profiles.map((profile) => ({ profile, answers: [] as Answer[], seconds: 0 }));
  for (let start = 0; start < samples.length; start += BLOCK) {
    const block = samples.slice(start, start + BLOCK);
    const loaded = await mapConcurrently(block, load);
    for (const result of results) {
      const started = monotonicSeconds();
      const answers = await mapConcurrently(loaded, async (sample) => {
        const answer = answerOf(await subject.classify(sample, result.profile));
        onProgress();
        return answer;
      });
      result.seconds += monotonicSeconds() - started;
      result.answers.push(...answers);
    }
  }
  return results;
}

async function load({ name, mediaType, read }: Sample): Promise<LoadedSample> {
  try {
    return { name, mediaType, bytes: await read() };
  } catch (error) {
    throw new UsageError(`${name} cannot be read: ${messageOf(error)}.`, { cause: error });
  }
}

function answerOf({ classIndex, exit, flops }: Answered): Answer {
  return { classIndex, exit: exit.index, reason: exit.reason, flops: flops.executed };
}

/** Like Promise.all over `map`, but with at most CONCURRENCY calls at a time; after a failure no new call starts. */
async function mapConcurrently<From, To>(
  items: readonly From[],
  map: (item: From) => Promise<To>,
): Promise<To[]> {
  const results = new Array<To>(items.length);
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      try {
        results[index] = await map(items[index] as From);
      } catch (error) {
        next = items.length;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, lane));
  return results;
}
