// Admission control: a fixed number of places, for images or for bytes, which are held until the answer. A request that
// does not fit is refused at once with 503 and `Retry-After`, so memory and waiting time stay bounded at any load.
import { Failure } from '../foundation/errors.js';

export interface Admission {
  /** Takes `places` places or none. @returns a function that gives them back. @throws Failure `saturated` */
  enter(places?: number): () => void;
  /** Whether `enter` would succeed now. */
  hasRoom(places?: number): boolean;
  inside(): number;
  readonly limit: number;
}

/** @param full detail of the failure if there is not enough room, in one sentence */
export function createAdmission(limit: number, full: string): Admission {
  let inside = 0;
  const hasRoom = (places = 1): boolean => inside + places <= limit;
  return {
    limit,
    hasRoom,
    enter(places = 1) {
      if (!hasRoom(places)) throw new Failure('saturated', full, { retryAfterSeconds: 1 });
      inside += places;
      return () => {
        inside -= places;
      };
    },
    inside: () => inside,
  };
}
