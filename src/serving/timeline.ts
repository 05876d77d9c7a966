// The times of one image's processing. Created only on demand, for example for tracing; filled in by classify-image.ts
// and workers/request-batch.ts.
import type { RunTimeline } from '../workers/request.js';
import type { Prediction } from './prediction.js';

/** Times are seconds on the service's monotonic clock; undefined if the step did not happen. */
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
