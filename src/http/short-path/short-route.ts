// What a route gives for the short path.
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Client } from '../../access/client.js';
import type { Caller } from '../../serving/slowdown/slowdown-watch.js';
import type { ClientSignal } from '../../workers/request.js';

/** Who sends a request. */
export interface Asker {
  /** The owner of the API key; undefined: none is required. */
  readonly client: Client | undefined;
  /** undefined: clients are not tested for slowdown inputs. */
  readonly caller: Caller | undefined;
}

/** What an address asks for. It is kept, and used for many requests. */
export interface ShortOperation {
  /** As Fastify names the route. */
  readonly route: string;
  /** Of ordinary requests; an empty one stands for none. */
  readonly contentTypes: ReadonlySet<string>;
  /** Bytes of the largest body. */
  readonly bodyLimit: number;
  /** Refuses what can be refused before the body is read; undefined: nothing. @throws Failure */
  check?(asker: Asker): unknown;
  /** @throws Failure */
  answer(
    request: IncomingMessage,
    body: Buffer,
    asker: Asker,
    signal: ClientSignal,
  ): Promise<{ readonly headers: OutgoingHttpHeaders; readonly body: string | Buffer }>;
}

/** @returns undefined: another route, or something about the address is unusual */
export type ShortRoute = (url: string) => ShortOperation | undefined;
