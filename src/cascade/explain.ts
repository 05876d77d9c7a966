// Explained images: what every exit on their way said, and, if asked for, what the exits behind would have said.
import type { Clock } from '../foundation/clock.js';
import type { ExecutionPath } from '../network/execution-path.js';

/** path: the exits up to the one taken. full: the image runs on to the end of its path; its answer stays the same. */
export type Explain = 'path' | 'full';

/** What one exit said about an image. */
export interface Visit {
  /** Index of the step that ended at this exit. */
  readonly step: number;
  readonly score: number;
  /** Whether the score cleared the threshold; false without a threshold. */
  readonly cleared: boolean;
  readonly probabilities: Float32Array;
}

/** The visits of the images of one batch. */
export interface Trail<Departure> {
  /**
   * Records a visit.
   * @param departure undefined: the image stays
   * @returns the departure with all visits; undefined as long as the image runs on
   */
  pass(
    image: number,
    visit: Visit,
    departure: Departure | undefined,
  ): (Departure & { readonly visits: readonly Visit[] }) | undefined;
}

export interface TrailOptions {
  readonly explain: Explain;
  readonly path: ExecutionPath;
  /** Number of images. */
  readonly batch: number;
  /** Deadline of an image, on the clock `now`. It ends the explanation too, because the client waits. */
  readonly deadlineOf: (image: number) => number;
  readonly now: Clock;
}

export function createTrail<Departure extends object>(options: TrailOptions): Trail<Departure> {
  const { explain, path, batch, deadlineOf, now } = options;
  const visits = Array.from({ length: batch }, (): Visit[] => []);
  const taken = new Map<number, Departure>();
  return {
    pass(image, visit, departure) {
      const passed = visits[image] ?? [];
      passed.push(visit);
      const first = taken.get(image) ?? departure;
      if (!first) return undefined;
      taken.set(image, first);
      const isLast = visit.step === path.length - 1;
      if (explain === 'full' && !isLast && now() < deadlineOf(image)) return undefined;
      return { ...first, visits: passed };
    },
  };
}
