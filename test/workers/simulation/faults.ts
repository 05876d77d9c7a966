// The faults of a schedule. Each kind of fault is absent from half of the schedules.
import type { Chance } from './chance.js';

export interface Faults {
  /** Images that kill their thread. */
  isDeadly(id: number): boolean;
  /** Images for which the engine throws. */
  isThrowing(id: number): boolean;
  /** Rate of other thread deaths, per second. */
  readonly deathsPerSecond: number;
  /** Probability that a thread dies before it is ready, and that segments are refused. */
  readonly stillborn: number;
  readonly refusal: number;
}

export function drawFaults(chance: Chance): Faults {
  const share = (probability: number): number => (chance.happens(0.5) ? probability : 0);
  const [deadly, throwing] = [share(0.01), share(0.02)];
  /** One draw for each image, so that it behaves the same wherever it runs. */
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
