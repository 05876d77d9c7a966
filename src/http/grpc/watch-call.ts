// Whether a call still needs its answer: until its client is gone, its deadline has passed, or it is answered.
import type { ServerHttp2Stream } from 'node:http2';
import { createClientSignal } from '../../foundation/client-signal.js';
import { Failure } from '../../foundation/errors.js';
import type { ClientSignal } from '../../workers/request.js';

export interface CallWatch {
  /** Aborted when the call needs no answer any more. */
  readonly signal: ClientSignal;
  /** @param milliseconds undefined: never */
  endAfter(milliseconds: number | undefined, failure: () => Failure): void;
  /** Why the call has ended; undefined: it has not. */
  failure(): Failure | undefined;
  throwIfEnded(): void;
  /** Call when the call is answered. */
  close(): void;
}

export function watchCall(stream: ServerHttp2Stream): CallWatch {
  let timer: NodeJS.Timeout | undefined;
  const { signal, abort } = createClientSignal();
  let isOpen = true;
  let why: Failure | undefined;

  const end = (failure: () => Failure): void => {
    if (!isOpen || why) return;
    why = failure();
    abort();
  };
  stream.once('close', () => end(clientGone));

  return {
    signal,
    endAfter(milliseconds, failure) {
      if (milliseconds !== undefined) timer = setTimeout(() => end(failure), milliseconds);
    },
    failure: () => why,
    throwIfEnded() {
      if (why) throw why;
    },
    close() {
      isOpen = false;
      clearTimeout(timer);
    },
  };
}

function clientGone(): Failure {
  return new Failure('client-gone', 'The client ended the call before it was answered.');
}
