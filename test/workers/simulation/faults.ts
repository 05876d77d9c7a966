// What goes wrong in a schedule: half of the schedules are spared each kind of fault.
import type { Chance } from './chance.js';

export interface Faults {
  /** Images that kill the thread they run in. */
  isDeadly(id: number): boolean;
  /** Images for which the engine throws. */
  isThrowing(id: number): boolean;
  /** Threads that die of something else, in one second. */
  readonly deathsPerSecond: number;
  /** Probability that a thread dies before it is ready, and that segments are refused. */
  readonly stillborn: number;
  readonly refusal: number;
}

export function drawFaults(chance: Chance): Faults {
  const share = (probability: number): number => (chance.happens(0.5) ? probability : 0);
  const [deadly, throwing] = [share(0.01), share(0.02)];
  /** One draw for each image, so that it behaves alike wherever it runs. */
  const draws = new Map<number, number>();
  function drawFor(id: number): number {
    const draw = draws.get(id) ?? chance.between(0, 1);
    draws.set(id, draw);
    return draw;
  }
  return {
    isDeadly: (id) => drawFor(id) < deadly,
    isThrowing: (id) => drawFor(id) > 1 - throwing,
    deathsPerSecond: share(2),
    stillborn: share(0.3),
    refusal: share(0.3),
  };
}
