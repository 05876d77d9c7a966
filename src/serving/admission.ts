// A door: a fixed number of places, for images or for bytes, are taken from here to the answer. Whoever finds it full
// is told at once to come back, so that memory and waiting time stay bounded whatever the load.
import { Failure } from '../foundation/errors.js';

export interface Admission {
  /** Takes `places` places or none. @returns gives them back. @throws Failure `saturated` */
  enter(places?: number): () => void;
  inside(): number;
}

/** @param full what to tell whoever does not fit, in one sentence */
export function createAdmission(limit: number, full: string): Admission {
  let inside = 0;
  return {
    enter(places = 1) {
      if (inside + places > limit) {
        throw new Failure('saturated', full, { retryAfterSeconds: 1 });
      }
      inside += places;
      return () => {
        inside -= places;
      };
    },
    inside: () => inside,
  };
}
