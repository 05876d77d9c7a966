// What a privacy mode tells of a prediction. The service itself keeps and counts the whole prediction.
import Type from 'typebox';
import type { PrivacyMode } from '../../config/settings.js';
import { Prediction, type RankedClass } from '../prediction.js';

const { label, classIndex, model, profile, certified, degraded } = Prediction.properties;

/** The prediction of the mode `strict`, under the name that the others have. Without budgets and deadlines, `certified`
 * is a property of the profile alone. */
export const StrictPrediction = Type.Object(
  { label, classIndex, model, profile, certified, degraded },
  {
    $id: 'Prediction',
    description: 'This server runs in the privacy mode strict: answers do not depend on the exit taken.',
  },
);
export type StrictPrediction = Type.Static<typeof StrictPrediction>;

export type Told = Prediction | StrictPrediction;

/** Decimals of probabilities and scores in the mode `coarse`. */
const DECIMALS = 2;

/** @param intervalMs to which `coarse` rounds up times */
export function createTelling(mode: PrivacyMode, intervalMs: number): (prediction: Prediction) => Told {
  if (mode === 'off') return (prediction) => prediction;
  if (mode === 'coarse') return (prediction) => coarse(prediction, intervalMs);
  return strict;
}

function strict({ label, classIndex, model, profile, certified, degraded }: Prediction): StrictPrediction {
  return { label, classIndex, model, profile, certified, ...(degraded && { degraded }) };
}

function coarse(prediction: Prediction, intervalMs: number): Prediction {
  const { confidence, top, exit, timing, explanation } = prediction;
  const { decodeMs, queueMs, inferMs, totalMs } = timing;
  const time = (milliseconds: number): number => Math.ceil(milliseconds / intervalMs) * intervalMs;
  return {
    ...prediction,
    confidence: rounded(confidence),
    top: top.map(roundedClass),
    exit: { ...exit, score: rounded(exit.score) },
    timing: {
      decodeMs: time(decodeMs),
      queueMs: time(queueMs),
      inferMs: time(inferMs),
      totalMs: time(totalMs),
    },
    ...(explanation && {
      explanation: {
        ...explanation,
        exits: explanation.exits.map((one) => ({
          ...one,
          score: rounded(one.score),
          top: one.top.map(roundedClass),
        })),
      },
    }),
  };
}

function roundedClass(one: RankedClass): RankedClass {
  return { ...one, probability: rounded(one.probability) };
}

function rounded(value: number): number {
  return Number(value.toFixed(DECIMALS));
}
