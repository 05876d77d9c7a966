// A batch of work for a worker of the pool.
import type { Progress, RunCommand } from './protocol.js';

/** Exactly one of onDone, onFailed and onLost is called. */
export interface Batch {
  readonly command: RunCommand;
  /** true: the batch may kill its worker, so it runs on an idle worker that gets no other batch meanwhile. */
  readonly alone: boolean;
  onProgress(progress: Progress): void;
  onDone(): void;
  /** The engine threw. */
  onFailed(reason: string): void;
  /** The worker died. */
  onLost(): void;
}
