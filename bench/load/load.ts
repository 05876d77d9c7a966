// HTTP load from another process, so that client and server do not share an event loop.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Prediction } from '../../src/serving/prediction.js';

export interface LoadJob {
  /** With its query. */
  readonly url: string;
  /** Encoded images in base64; every connection sends them in turn. */
  readonly images: readonly string[];
  /** Of all images; `image/png` if it is not given. */
  readonly contentType?: string;
  readonly connections: number;
  readonly extent: { readonly seconds: number } | { readonly requests: number };
  /** Of all connections together; without it each sends its next request when it has its answer. */
  readonly requestsPerSecond?: number;
}

export interface LoadResult {
  readonly seconds: number;
  readonly sent: number;
  /** How many answers had which status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** How many requests were not answered for which reason: refused or broken connections, half a minute's silence. */
  readonly unanswered: Readonly<Record<string, number>>;
  /** 503s that did not say when to come back. */
  readonly withoutRetryAfter: number;
  readonly clientCpuSeconds: number;
  /** Of the requests answered with 200, as the client saw it. */
  readonly latencyMs: { readonly median: number; readonly p99: number };
  /** Medians of what a sample of the answers says about itself; NaN where they do not say it, as other servers' answers. */
  readonly timingMs: Prediction['timing'];
}

export interface LoadClient {
  /** Applies one load; one at a time. @throws Error if the client's process ends meanwhile */
  apply(job: LoadJob): Promise<LoadResult>;
  close(): void;
}

/** Starts the client's process. It serves for many loads, so that its code is compiled for speed but once. */
export function startLoadClient(): LoadClient {
  const client = fork(new URL('./load-client.js', import.meta.url));
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
