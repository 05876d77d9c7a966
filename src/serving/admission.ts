// Admission control: a fixed number of places, for images or for bytes, which are held until the answer. A request that
// does not fit is refused at once with 503 and `Retry-After`, so memory and waiting time stay bounded at any load.
import { Failure } from '../foundation/errors.js';

export interface Admission {
  /**
   * Takes `places` places or none.
   * @param holder whose request it is. Its places are limited, so that others find some; undefined: nobody in particular
   * @returns a function that gives them back. @throws Failure `saturated`
   */
  enter(places?: number, holder?: object): () => void;
  /** Whether `enter` would succeed now. */
  hasRoom(places?: number, holder?: object): boolean;
  inside(): number;
  readonly limit: number;
}

/**
 * A holder may have this many times the places that are free: dynamic thresholds (Choudhury, Hahne 1998). However many
 * places one holder wants, a ninth of them stays free for the others.
 */
const TIMES_FREE = 8;

/** The holder of all requests in the slow lane, whoever sends them. */
export const SLOW_LANE: object = {};
/** The lane may have an eighth of the places that are free, so a ninth of all. Or one request, however large. */
const TIMES_FREE_SLOW = 1 / 8;

/** @param full detail of the failure if there is not enough room, in one sentence */
export function createAdmission(limit: number, full: string): Admission {
  let inside = 0;
  const held = new WeakMap<object, number>();
  const heldBy = (holder: object): number => held.get(holder) ?? 0;

  function hasRoom(places = 1, holder?: object): boolean {
    const free = limit - inside;
    if (places > free) return false;
    if (!holder) return true;
    const timesFree = holder === SLOW_LANE ? TIMES_FREE_SLOW : TIMES_FREE;
    const isOnlySlow = holder === SLOW_LANE && heldBy(holder) === 0;
    return isOnlySlow || heldBy(holder) + places <= timesFree * free;
  }

  return {
    limit,
    hasRoom,
    enter(places = 1, holder) {
      if (!hasRoom(places, holder)) throw new Failure('saturated', full, { retryAfterSeconds: 1 });
      const move = (by: number): void => {
        inside += by;
        if (holder) held.set(holder, heldBy(holder) + by);
      };
      move(places);
      return () => move(-places);
    },
    inside: () => inside,
  };
}
