// A batch of requests: builds the command for the worker and answers the requests from its reports.
import type { SegmentRun } from '../cascade/cascade.js';
import { Failure } from '../foundation/errors.js';
import type { Network } from '../network/network.js';
import { type Batch, joinImages } from './batch.js';
import type { Progress, RunCommand } from './protocol.js';
import { answerWith, type Request, refuseWith } from './request.js';

export interface RequestBatchOptions {
  /** See `Batch`. */
  readonly alone: boolean;
  readonly onSegment: (network: Network, run: SegmentRun, left: number) => void;
  /** Called once for each request that no worker computes any more, with its executed FLOPs up to date. */
  readonly onOver: (request: Request) => void;
  /** Called when the worker has finished the batch, with the number of its images and their engine time. */
  readonly onEnded: (images: number, seconds: number) => void;
  /** Called with the unanswered requests when their worker has died; these are not over. */
  readonly onLost: (requests: Request[]) => void;
}

/** @param requests at least one; all with the same path object, `explain` and kind of values */
export function createRequestBatch(requests: readonly Request[], options: RequestBatchOptions): Batch {
  const [first] = requests as [Request];
  const { network, path } = first.job;
  /** Each call is the next step of the path, for all images that have not left. */
  let calls = 0;
  let begun: number | undefined;
  let inferSeconds = 0;

  function onProgress({ run, leavers }: Progress): void {
    // The batch may have waited in the worker's buffer before its first engine call.
    begun ??= run.started;
    inferSeconds += run.seconds;
    options.onSegment(network, run, leavers.length);
    const flops = path[calls++]?.flops ?? 0;
    for (const request of requests) {
      const { job, isAnswered } = request;
      if (!request.isSettled && run.started < request.goneAt) request.executedFlops = flops;
      if (!job.timeline || isAnswered) continue;
      job.timeline.begun = begun;
      job.timeline.segments.push(run);
    }
    for (const { image, step, reason, score, top, visits } of leavers) {
      const request = requests[image];
      if (!request) continue;
      options.onOver(request);
      const queueSeconds = begun - request.enqueued;
      const outcome = { step, reason, score, top, inferSeconds, queueSeconds };
      answerWith(request, visits ? { ...outcome, visits } : outcome);
    }
  }

  /** Of an image whose client is gone, only the end of the batch says that no worker computes it any more. */
  function refuseRest(failure: () => Failure): void {
    for (const request of requests) {
      options.onOver(request);
      if (!request.isAnswered) refuseWith(request, failure());
    }
  }

  return {
    alone: options.alone,
    command: commandOf(requests),
    onProgress,
    onDone() {
      refuseRest(withoutAnswer);
      options.onEnded(requests.length, inferSeconds);
    },
    onFailed: (reason) => refuseRest(() => engineFailed(reason)),
    onLost() {
      for (const request of requests) if (request.isAnswered) options.onOver(request);
      options.onLost(requests.filter(({ isAnswered }) => !isAnswered));
    },
  };
}

function commandOf(requests: readonly Request[]): RunCommand {
  const [first] = requests as [Request];
  const { network, policy, path, explain } = first.job;
  return {
    kind: 'run',
    network: network.id,
    policy,
    path,
    images: joinImages(requests.map(({ job }) => job.image)),
    deadlines: requests.map(({ job }) => job.deadline),
    topK: requests.map(({ job }) => job.topK),
    ...(explain && { explain }),
  };
}

function withoutAnswer(): Failure {
  return new Failure('internal-error', 'A worker finished without an answer. This is a bug in rdi-serve.');
}

/** The reason may contain file names and addresses of this machine, so it goes only to the log. */
function engineFailed(reason: string): Failure {
  const detail = 'The engine failed; the log has the reason under this request id.';
  return new Failure('internal-error', detail, { cause: new Error(reason) });
}
