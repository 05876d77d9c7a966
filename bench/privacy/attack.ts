// The attack that a privacy mode has to withstand: the exit of an image, guessed from the time of its answer alone.
import { createUniform } from '../../src/foundation/random.js';

export interface Observation {
  /** What the attacker sees. */
  readonly seconds: number;
  /** What the attacker wants. */
  readonly exit: number;
}

const FOLDS = 10;
/** Few enough to follow the shape of the times, enough not to follow chance. */
const NEIGHBOURS = 51;

/** Share of the most frequent exit: what an attacker reaches who sees no time. */
export function chance(observations: readonly Observation[]): number {
  return mostFrequent(observations.map(({ exit }) => exit)).count / observations.length;
}

/**
 * Share of exits guessed right by the nearest neighbours in time, cross-validated in ten folds.
 * @param seed of the division into folds
 */
export function guessedRight(observations: readonly Observation[], seed: number): number {
  const shuffled = shuffle(observations, seed);
  let right = 0;
  for (let fold = 0; fold < FOLDS; fold++) {
    const known = shuffled
      .filter((_, index) => index % FOLDS !== fold)
      .toSorted((a, b) => a.seconds - b.seconds);
    const asked = shuffled.filter((_, index) => index % FOLDS === fold);
    right += asked.filter(({ seconds, exit }) => guess(known, seconds) === exit).length;
  }
  return right / observations.length;
}

/**
 * Probability that an image of the last exit took longer than one of an earlier exit (area under the ROC curve): 0.5
 * tells nothing. Accuracy alone can stay at chance although times tell something, if one exit is frequent.
 */
export function rocArea(observations: readonly Observation[]): number {
  const last = Math.max(...observations.map(({ exit }) => exit));
  const deep = observations.filter(({ exit }) => exit === last);
  const early = observations.filter(({ exit }) => exit !== last);
  const won = deep.reduce(
    (sum, { seconds }) =>
      sum +
      early.reduce((of, one) => of + (one.seconds < seconds ? 1 : one.seconds === seconds ? 0.5 : 0), 0),
    0,
  );
  return won / (deep.length * early.length);
}

/** @param known in the order of their times */
function guess(known: readonly Observation[], seconds: number): number {
  let first = known.findIndex((one) => one.seconds >= seconds);
  if (first < 0) first = known.length;
  let end = first;
  while (end - first < Math.min(NEIGHBOURS, known.length)) {
    const below = known[first - 1];
    const above = known[end];
    if (below && (!above || seconds - below.seconds <= above.seconds - seconds)) first--;
    else end++;
  }
  return mostFrequent(known.slice(first, end).map(({ exit }) => exit)).exit;
}

function mostFrequent(exits: readonly number[]): { readonly exit: number; readonly count: number } {
  const counts = new Map<number, number>();
  for (const exit of exits) counts.set(exit, (counts.get(exit) ?? 0) + 1);
  const [[exit, count] = [0, 0]] = [...counts].toSorted(([, a], [, b]) => b - a);
  return { exit, count };
}

function shuffle<Item>(items: readonly Item[], seed: number): Item[] {
  const uniform = createUniform(seed);
  const shuffled = [...items];
  for (let place = shuffled.length - 1; place > 0; place--) {
    const other = Math.floor(uniform() * (place + 1));
    [shuffled[place], shuffled[other]] = [shuffled[other] as Item, shuffled[place] as Item];
  }
  return shuffled;
}
