// What a worker of the pool is given to do.
import type { Progress, RunCommand } from './protocol.js';

/** A batch on its way; exactly one of the three endings is called. */
export interface Batch {
  readonly command: RunCommand;
  /** It may kill its worker: it goes to one that has nothing in hand, and nothing is given to that one beside it. */
  readonly alone: boolean;
  onProgress(progress: Progress): void;
  onDone(): void;
  /** The engine threw. */
  onFailed(reason: string): void;
  /** The worker died. */
  onLost(): void;
}
