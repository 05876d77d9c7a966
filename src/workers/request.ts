// A request between its submission and its answer. It is answered exactly once; later answers have no effect.
import type { SegmentRun } from '../cascade/cascade.js';
import type { Explain } from '../cascade/explain.js';
import type { ImageValues } from '../cascade/image-tensor.js';
import type { Policy } from '../format/profiles.js';
import type { Failure } from '../foundation/errors.js';
import type { Timer } from '../foundation/timers.js';
import type { ExecutionPath } from '../network/execution-path.js';
import type { Network } from '../network/network.js';
import type { Flow } from './fair-sharing/fair-sharing.js';
import type { Leaver } from './protocol.js';

/**
 * Aborted when the client disconnects. An AbortSignal fits this interface, but creating one and listening to it takes a
 * tenth of the main thread's time per request.
 */
export interface ClientSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
}

/** Times of the engine's work on one image, in seconds on the service's clock. */
export interface RunTimeline {
  /** Start of the work; if the image was tried twice, of the second attempt. */
  begun: number | undefined;
  /** All engine calls that included the image, in order. */
  readonly segments: SegmentRun[];
}

/** Whose work a job is. */
export interface Account {
  readonly flow: Flow;
  /** FLOPs that the image is expected to cost. */
  readonly expectedFlops: number;
  /**
   * Called once, before an answer, but after a failure if a worker still has the image then.
   * @param flops executed for the image: whole engine calls, of its last worker if it had several; 0 if it had none
   */
  settle(flops: number): void;
}

/** The work for one image. */
export interface Job {
  readonly network: Network;
  readonly policy: Policy;
  /** Belongs to one network and policy. Only jobs with the same path object and `explain` may share a batch. */
  readonly path: ExecutionPath;
  readonly image: ImageValues;
  readonly topK: number;
  /** undefined: the image is not explained. */
  readonly explain?: Explain | undefined;
  /** On the service's clock; Infinity: none. */
  readonly deadline: number;
  readonly signal: ClientSignal | undefined;
  /** undefined: nobody in particular; all such jobs together are one flow. */
  readonly account?: Account | undefined;
  /** Filled in while the image runs. */
  readonly timeline?: RunTimeline | undefined;
}

export interface Outcome extends Omit<Leaver, 'image'> {
  readonly queueSeconds: number;
  /** Total engine time of the image's calls. */
  readonly inferSeconds: number;
}

export interface Request {
  readonly job: Job;
  /** Time of submission. */
  readonly enqueued: number;
  /** Number of workers to which the request was given. */
  attempts: number;
  isAnswered: boolean;
  /** When its client was found gone; engine calls that begin later are without it. Infinity: it is there. */
  goneAt: number;
  /** By its present or last worker, in whole engine calls. */
  executedFlops: number;
  isSettled: boolean;
  /** Refuses the request at its deadline while it waits. While a worker has it, the cascade checks the deadline. */
  timer: Timer | undefined;
  /** Tells the worker that the client has disconnected. */
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

/** @returns whether the request was open before this call */
function closeRequest(request: Request): boolean {
  if (request.isAnswered) return false;
  request.isAnswered = true;
  request.timer?.close();
  return true;
}
