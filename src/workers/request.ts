// A request between its submission and its answer. It is answered exactly once: what comes later has no effect.
import type { SegmentRun } from '../cascade/cascade.js';
import type { Policy } from '../format/profiles.js';
import type { Failure } from '../foundation/errors.js';
import type { Timer } from '../foundation/timers.js';
import type { ExecutionPath } from '../network/execution-path.js';
import type { Network } from '../network/network.js';
import type { Leaver } from './protocol.js';

/**
 * Aborted when nobody waits for an answer any more. Any AbortSignal will do; but making one and listening to it takes
 * a tenth of what the main thread spends on a request, and this much of it is enough.
 */
export interface ClientSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
}

/** When the engine worked on one image, in seconds on the service's clock. */
export interface RunTimeline {
  /** When it began; the last time, if it was tried twice. */
  begun: number | undefined;
  /** Every engine call that the image was part of, in order. */
  readonly segments: SegmentRun[];
}

/** What is to be computed for one image. */
export interface Job {
  readonly network: Network;
  readonly policy: Policy;
  /** Belongs to one network and policy: jobs with the same object, and only those, may share a batch. */
  readonly path: ExecutionPath;
  /** uint8 [height, width, channels]. */
  readonly pixels: Uint8Array;
  readonly topK: number;
  /** On the service's clock; Infinity: none. */
  readonly deadline: number;
  readonly signal: ClientSignal | undefined;
  /** To be filled in. */
  readonly timeline?: RunTimeline | undefined;
}

export interface Outcome extends Omit<Leaver, 'image'> {
  readonly queueSeconds: number;
  /** Of the engine, from the first call on this image until it left. */
  readonly inferSeconds: number;
}

export interface Request {
  readonly job: Job;
  /** When it was submitted. */
  readonly enqueued: number;
  /** How many workers were given it. */
  attempts: number;
  isAnswered: boolean;
  /** Ends its wait at its deadline. Undefined while a worker has it: the cascade then keeps the deadline. */
  timer: Timer | undefined;
  /** Tells the worker that has it that nobody waits any more. */
  cancel: (() => void) | undefined;
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (failure: Failure) => void;
}

export function answerWith(request: Request, outcome: Outcome): void {
  if (closeRequest(request)) request.resolve(outcome);
}

export function refuseWith(request: Request, failure: Failure): void {
  if (closeRequest(request)) request.reject(failure);
}

/** @returns whether it was open until now */
function closeRequest(request: Request): boolean {
  if (request.isAnswered) return false;
  request.isAnswered = true;
  request.timer?.close();
  return true;
}
