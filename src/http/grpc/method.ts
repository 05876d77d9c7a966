// A method of a service: what it is called, and how it is answered.
import {
  create,
  type DescMessage,
  type DescMethod,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { Client } from '../../access/client.js';
import type { Failure } from '../../foundation/errors.js';
import type { Timeline } from '../../serving/timeline.js';
import type { ClientSignal } from '../../workers/request.js';
import { decodeMessage } from './decode-message.js';
import type { Receiver } from './receive-message.js';
import type { StatusCode } from './status.js';

export interface Call {
  /** Pays for the images; undefined: nobody in particular. */
  readonly client: Client | undefined;
  /** Of the connection's other end; undefined: it is gone, or has none. */
  readonly address: string | undefined;
  /** Aborted when the client is gone or its deadline has passed. */
  readonly signal: ClientSignal;
  /** For an image of this call; undefined if it is not traced. */
  timeline(): Timeline | undefined;
}

/** The trace of one message of a stream. */
export interface MessageTrace {
  /** For an image of the message; undefined if it is not traced. */
  image(): Timeline | undefined;
  /** Call when the message is answered. */
  end(status: StatusCode): void;
}

/** A call, and its messages in both directions. */
export interface Exchange extends Call {
  readonly receiver: Receiver;
  /** Aborted when the server closes: streams end then. */
  readonly closing: AbortSignal;
  /** One message at a time. Resolves when it is on its way, or the client is gone. */
  send(message: Uint8Array): Promise<void>;
  /** Call when a message of a stream has arrived. @returns undefined: it is not traced */
  traceMessage(): MessageTrace | undefined;
  /** The failure of one message of a stream, which goes on. It is logged and counted. */
  failureOf(error: unknown): Failure;
}

export interface Method {
  readonly service: string;
  readonly name: string;
  /** Whether it has several messages, in either direction. */
  readonly isStream: boolean;
  /** A probe needs no API key, and is neither traced nor, if it is answered, logged. */
  readonly isProbe: boolean;
  /** What has a trace of its own; undefined, as of what is asked for again and again: nothing. */
  readonly traced: 'call' | 'messages' | undefined;
  /** Its images are charged, so a client without a budget left is refused before its message is read. */
  readonly isCharged: boolean;
  /** @returns the last message; undefined: all have been sent. @throws Failure */
  answer(exchange: Exchange): Promise<Uint8Array | undefined>;
}

export interface MethodOptions {
  readonly isProbe?: boolean;
  readonly traced?: Method['traced'];
  readonly isCharged?: boolean;
}

/** A method with one message in and one out. */
export function unary<Input extends DescMessage, Output extends DescMessage>(
  method: DescMethodUnary<Input, Output>,
  handle: (
    request: MessageShape<Input>,
    call: Call,
  ) => MessageInitShape<Output> | Promise<MessageInitShape<Output>>,
  options: MethodOptions = {},
): Method {
  return {
    ...described(method, options),
    async answer(exchange) {
      const { bytes, leave } = await exchange.receiver.only();
      try {
        return encode(method.output, await handle(decodeMessage(method.input, bytes), exchange));
      } finally {
        leave();
      }
    },
  };
}

/** A method with several messages, in or out. It ends when `converse` does; what that throws is its status. */
export function stream(
  method: DescMethod,
  converse: (exchange: Exchange) => Promise<void>,
  options: MethodOptions = {},
): Method {
  return {
    ...described(method, options),
    async answer(exchange) {
      await converse(exchange);
      return undefined;
    },
  };
}

function described(
  { parent, name, methodKind }: DescMethod,
  { isProbe = false, traced, isCharged = false }: MethodOptions,
) {
  const isStream = methodKind !== 'unary';
  return { service: parent.typeName, name, isStream, isProbe, traced, isCharged };
}

export function encode<Output extends DescMessage>(
  output: Output,
  message: MessageInitShape<Output>,
): Uint8Array {
  return toBinary(output, create(output, message));
}

/** Its address. */
export function pathOf({ service, name }: Pick<Method, 'service' | 'name'>): string {
  return `/${service}/${name}`;
}
