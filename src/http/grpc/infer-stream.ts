// ModelStreamInfer: every message is answered as ModelInfer answers it, in the order of the messages. The next one is
// received only while there are not many without an answer that is on its way, so a stream's memory is bounded.
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { createClientSignal } from '../../foundation/client-signal.js';
import { Failure } from '../../foundation/errors.js';
import {
  InferParameterSchema,
  type ModelInferRequest,
  ModelInferRequestSchema,
  type ModelInferResponse,
  ModelStreamInferResponseSchema,
} from '../../protobuf/open_inference_pb.js';
import { decodeMessage } from './decode-message.js';
import { type Call, type Exchange, encode } from './method.js';
import type { ReceivedMessage } from './receive-message.js';
import { OK, statusOf } from './status.js';

type Answer = MessageInitShape<typeof ModelStreamInferResponseSchema>;

/** Enough to fill batches from one stream. */
const MOST_AT_ONCE = 64;

/** Triton's clients wait for it: some of its models give several answers to a message. */
const FINAL = create(InferParameterSchema, { parameterChoice: { case: 'boolParam', value: true } });

/** @param places for images of all clients: a stream of single images is not refused because of its own */
export function inferStream(
  infer: (request: ModelInferRequest, call: Call) => Promise<ModelInferResponse>,
  places: number,
): (exchange: Exchange) => Promise<void> {
  async function answer(
    message: ReceivedMessage,
    exchange: Exchange,
    signal: Call['signal'],
  ): Promise<Answer> {
    let request: Pick<ModelInferRequest, 'id' | 'modelName'> = { id: '', modelName: '' };
    const trace = exchange.traceMessage();
    const timeline = () => trace?.image();
    try {
      const decoded = decodeMessage(ModelInferRequestSchema, message.bytes);
      request = { id: decoded.id, modelName: decoded.modelName };
      const inferResponse = await infer(decoded, { ...exchange, signal, timeline });
      inferResponse.parameters['triton_final_response'] = FINAL;
      trace?.end(OK.code);
      return { inferResponse };
    } catch (error) {
      const failure = exchange.failureOf(error);
      trace?.end(statusOf(failure).code);
      return refusal(failure, request);
    } finally {
      message.leave();
    }
  }

  return async (exchange) => {
    const running = new Set<() => void>();
    exchange.signal.addEventListener('abort', () => {
      for (const abort of running) abort();
    });
    /** For each message, in order, when its answer is on its way. */
    const sent: Promise<void>[] = [];
    let last = Promise.resolve();
    const send = (one: Answer | Promise<Answer>): void => {
      last = last.then(async () => exchange.send(encode(ModelStreamInferResponseSchema, await one)));
      sent.push(last);
    };
    try {
      for (;;) {
        if (sent.length >= Math.min(MOST_AT_ONCE, places)) await sent.shift();
        const message = await exchange.receiver.next().catch(ofOneMessage);
        if (message === undefined) return;
        if (message instanceof Failure) {
          send(refusal(exchange.failureOf(message)));
          continue;
        }
        // Of its own: the signal of the call would keep a listener for each message.
        const { signal, abort } = createClientSignal();
        running.add(abort);
        send(answer(message, exchange, signal).finally(() => running.delete(abort)));
      }
    } finally {
      await last;
    }
  };
}

/** The failure behind which the stream goes on. @throws any other */
function ofOneMessage(error: unknown): Failure {
  if (error instanceof Failure && error.type === 'saturated') return error;
  throw error;
}

function refusal({ message }: Failure, inferResponse: Answer['inferResponse'] = {}): Answer {
  return { errorMessage: message, inferResponse };
}
