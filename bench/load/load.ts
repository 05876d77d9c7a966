// Applies HTTP load from a process of its own, so that client and server do not share an event loop.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import type { Prediction } from '../../src/serving/prediction.js';

export interface LoadJob {
  /** Includes the query. */
  readonly url: string;
  /** Encoded images in base64, sent in turn. */
  readonly images: readonly string[];
  /** Content type of all images; default: `image/png`. */
  readonly contentType?: string;
  /** Header fields of every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** grpc: the images are messages, the path of `url` is the method, and an answer with a message counts as 200.
   * Of `connections` at once, eight share one. */
  readonly form?: 'http' | 'grpc';
  readonly connections: number;
  readonly extent: { readonly seconds: number } | { readonly requests: number };
  /** Rate of all connections together. undefined: each connection sends a request as soon as it has its answer. */
  readonly requestsPerSecond?: number;
  /** Whether the result has all predictions; to parse them costs the client CPU time. Default: false. */
  readonly keepsAnswers?: boolean;
}

/** A prediction, as far as it is kept. */
export interface KeptAnswer extends Pick<Prediction, 'classIndex' | 'profile' | 'certified'> {
  /** Index of the image. */
  readonly image: number;
  /** From the start of the load to the answer. */
  readonly atSeconds: number;
}

export interface LoadResult {
  readonly seconds: number;
  readonly sent: number;
  /** Number of answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Number of unanswered requests by reason: a refused or broken connection, or 30 s without data. */
  readonly unanswered: Readonly<Record<string, number>>;
  /** Number of answers with status 503 and no Retry-After. */
  readonly withoutRetryAfter: number;
  readonly clientCpuSeconds: number;
  /** Of the requests answered with 200, measured by the client. */
  readonly latencyMs: { readonly median: number; readonly p99: number };
  /** Medians of the timings in a sample of the answers; NaN if the answers have none, as those of other servers. */
  readonly timingMs: Prediction['timing'];
  /** In the order of their arrival; empty without `keepsAnswers`. */
  readonly answers: readonly KeptAnswer[];
}

export interface LoadClient {
  /** Applies one load. Call for one load at a time. @throws Error if the client's process ends before the load does */
  apply(job: LoadJob): Promise<LoadResult>;
  close(): void;
}

/**
 * Starts the client's process. It applies many loads, so that its code is optimized only once.
 * @param niceness of a client that takes the processors only while nobody else wants them, as if it ran elsewhere: 19
 */
export function startLoadClient({ niceness = 0 } = {}): LoadClient {
  const client = fork(new URL('./load-client.js', import.meta.url));
  if (niceness > 0 && client.pid !== undefined) setPriority(client.pid, niceness);
  const ended = once(client, 'exit');
  return {
    async apply(job) {
      client.send(job);
      const outcome = await Promise.race([once(client, 'message'), ended.then(() => undefined)]);
      if (outcome === undefined) throw new Error('The load client ended without a result.');
      return outcome[0] as LoadResult;
    },
    close: () => client.disconnect(),
  };
}
