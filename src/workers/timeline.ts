// When what happened to one image. Made only where somebody asks for it, as tracing does, and filled in on the way by
// the classifier and the scheduler.
import type { SegmentRun } from '../cascade/cascade.js';
import type { Prediction } from '../serving/prediction.js';

/** Times are seconds on the service's monotonic clock; what did not happen is undefined. */
export interface Timeline {
  started: number | undefined;
  decoded: number | undefined;
  /** When the engine began on it; the last time, if it was tried twice. */
  begun: number | undefined;
  /** Every engine call that it was part of, in order. */
  readonly segments: SegmentRun[];
  finished: number | undefined;
  prediction: Prediction | undefined;
}

export function createTimeline(): Timeline {
  return {
    started: undefined,
    decoded: undefined,
    begun: undefined,
    segments: [],
    finished: undefined,
    prediction: undefined,
  };
}
