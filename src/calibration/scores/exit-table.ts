// A recording under one policy: the label and the score of every image at every exit.

import type { Policy } from '../../format/profiles.js';
import { policies } from '../../policies/policies.js';
import { argmax, softmax } from '../../policies/probabilities.js';
import type { Recording } from './recording.js';

export interface ExitTable {
  readonly policy: Policy;
  readonly images: number;
  /** [exit][image]: the predicted class. */
  readonly labels: readonly Int32Array[];
  /** [exit][image]: the policy's score. Not used by policies that count agreement: their score depends on the path. */
  readonly scores: readonly Float64Array[];
  /** The true class of each image, if known. */
  readonly truth?: Int32Array;
}

/** Computes labels and scores exactly as the cascade does from the same logits. */
export function createExitTable(recording: Recording, policy: Policy): ExitTable {
  const { images, exits, classes, logits, truth } = recording;
  const labels = Array.from({ length: exits }, () => new Int32Array(images));
  const scores = Array.from({ length: exits }, () => new Float64Array(images));
  for (let image = 0; image < images; image++) {
    for (let exit = 0; exit < exits; exit++) {
      const row = (image * exits + exit) * classes;
      const probabilities = softmax(logits.subarray(row, row + classes));
      (labels[exit] as Int32Array)[image] = argmax(probabilities);
      (scores[exit] as Float64Array)[image] = policies[policy].score(probabilities, 1);
    }
  }
  return { policy, images, labels, scores, ...(truth && { truth }) };
}

/** The table of the given images, in the given order. */
export function selectImages(table: ExitTable, indices: Uint32Array): ExitTable {
  return {
    policy: table.policy,
    images: indices.length,
    labels: table.labels.map((row) => Int32Array.from(indices, (index) => row[index] as number)),
    scores: table.scores.map((row) => Float64Array.from(indices, (index) => row[index] as number)),
    ...(table.truth && { truth: Int32Array.from(indices, (index) => table.truth?.[index] as number) }),
  };
}
