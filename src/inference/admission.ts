// The door: a fixed number of images may be inside, from here to their answer. Whoever finds it full is told
// at once to come back, so that memory and waiting time stay bounded whatever the load.
import { Failure } from '../errors.js';

export interface Admission {
  /** Takes `places` places or none. @returns gives them back. @throws Failure `saturated` */
  enter(places?: number): () => void;
  inside(): number;
}

export function createAdmission(limit: number): Admission {
  let inside = 0;
  return {
    enter(places = 1) {
      if (inside + places > limit) {
        throw new Failure('saturated', `All ${limit} places for images in flight are taken.`, {
          retryAfterSeconds: 1,
        });
      }
      inside += places;
      return () => {
        inside -= places;
      };
    },
    inside: () => inside,
  };
}
