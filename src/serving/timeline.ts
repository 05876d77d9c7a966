// When what happened to one image. Made only where somebody asks for it, as tracing does, and filled in on the way by
// the classifier and the request queue.
import type { RunTimeline } from '../workers/request.js';
import type { Prediction } from './prediction.js';

/** Times are seconds on the service's monotonic clock; what did not happen is undefined. */
export interface Timeline extends RunTimeline {
  started: number | undefined;
  decoded: number | undefined;
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
