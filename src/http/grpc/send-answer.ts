// Sends the answer of a call: its messages, and behind them its status.
import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { PREFIX_BYTES } from './receive-message.js';
import type { CallRecord } from './record-call.js';
import type { Status } from './status.js';

export interface Sender {
  /** One message at a time. Resolves when it is on its way, or the client is gone. */
  send(message: Uint8Array): Promise<void>;
  /** Call once. @param last the last message; undefined: there are no more */
  end(status: Status, last?: Uint8Array): void;
}

export function createSender(
  stream: ServerHttp2Stream,
  requestId: string,
  record: Pick<CallRecord, 'status' | 'isSent'>,
): Sender {
  const headers: OutgoingHttpHeaders = {
    ':status': 200,
    'content-type': 'application/grpc',
    'x-request-id': requestId,
  };
  let sent = (): void => {};
  stream.once('close', () => sent());

  /** The client shall send no more. What is on its way is dropped; unread, it would keep the stream open. */
  function refuseRest(): void {
    if (stream.readableEnded || stream.destroyed) return;
    stream.removeAllListeners('readable');
    stream.resume();
    stream.close(constants.NGHTTP2_NO_ERROR);
  }

  return {
    send: (message) =>
      new Promise((resolve) => {
        if (stream.closed || stream.destroyed) return resolve();
        sent = resolve;
        if (!stream.headersSent) stream.respond(headers, { waitForTrailers: true });
        stream.write(framed(message), () => resolve());
      }),
    end({ code, metadata }, last) {
      record.status = code;
      if (stream.closed || stream.destroyed) return;
      if (last === undefined && !stream.headersSent) {
        record.isSent = true;
        stream.respond({ ...headers, ...metadata }, { endStream: true });
        return refuseRest();
      }
      if (!stream.headersSent) stream.respond(headers, { waitForTrailers: true });
      stream.once('wantTrailers', () => {
        stream.sendTrailers(metadata);
        record.isSent = true;
        // Not before they have left: a reset overtakes them.
        setImmediate(refuseRest);
      });
      if (last === undefined) stream.end();
      else stream.end(framed(last));
    },
  };
}

function framed(message: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  bytes[0] = 0; // not compressed
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, PREFIX_BYTES);
  return bytes;
}
