// A method of a service: what it is called, and how it is answered.
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf';
import type { Client } from '../../access/client.js';
import type { Timeline } from '../../serving/timeline.js';
import type { ClientSignal } from '../../workers/request.js';
import { decodeMessage } from './decode-message.js';

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

export interface Method {
  readonly service: string;
  readonly name: string;
  /** A probe needs no API key, and is neither traced nor, if it is answered, logged. */
  readonly isProbe: boolean;
  /** Of what is asked for again and again: not traced. */
  readonly isTraced: boolean;
  /** Its images are charged, so a client without a budget left is refused before its message is read. */
  readonly isCharged: boolean;
  /** @throws Failure */
  answer(message: Uint8Array, call: Call): Uint8Array | Promise<Uint8Array>;
}

export interface MethodOptions {
  readonly isProbe?: boolean;
  readonly isTraced?: boolean;
  readonly isCharged?: boolean;
}

/** A method with one message in and one out. */
export function unary<Input extends DescMessage, Output extends DescMessage>(
  { parent, name, input, output }: DescMethodUnary<Input, Output>,
  handle: (
    request: MessageShape<Input>,
    call: Call,
  ) => MessageInitShape<Output> | Promise<MessageInitShape<Output>>,
  { isProbe = false, isTraced = false, isCharged = false }: MethodOptions = {},
): Method {
  return {
    service: parent.typeName,
    name,
    isProbe,
    isTraced,
    isCharged,
    async answer(message, call) {
      const response = await handle(decodeMessage(input, message), call);
      return toBinary(output, create(output, response));
    },
  };
}

/** Its address. */
export function pathOf({ service, name }: Pick<Method, 'service' | 'name'>): string {
  return `/${service}/${name}`;
}
