// POST /v2/models/{model}[/versions/{version}]/infer: images in, the outputs of a model out.
import type { FastifyPluginAsync } from 'fastify';
import Type from 'typebox';
import type { Client } from '../../access/client.js';
import { Failure } from '../../foundation/errors.js';
import { ref } from '../../foundation/schema-ref.js';
import { type AdmittedInference, admitInference } from '../../inference-protocol/infer.js';
import type { ImageLimits } from '../../inference-protocol/read-images.js';
import type { Classifier } from '../../serving/classifier.js';
import type { Caller } from '../../serving/slowdown/slowdown-watch.js';
import { callerOf } from '../connections/client-name.js';
import { clientSignal } from '../connections/client-signal.js';
import { budgetHeaders } from '../plugins/enforce-budgets.js';
import type { Disclosure } from '../privacy/disclosure.js';
import { protocolProblemResponses } from '../problems.js';
import { requestIdHeader } from '../routes/classify.js';
import { Binary } from '../routes/parameters.js';
import { eachVersion, type ModelParams } from './each-version.js';
import { contentTypes, JSON_LENGTH_HEADER, type Message, parseBodies, readMessage } from './read-message.js';
import { InferenceRequest, InferenceResponse } from './schemas.js';
import { encodeResponse } from './write-response.js';

export interface InferOptions extends ImageLimits {
  readonly classifier: Classifier;
  readonly disclosure: Disclosure;
  readonly maxBatchBytes: number;
}

const JsonLength = Type.Integer({
  minimum: 0,
  format: 'int64',
  description: 'With binary tensors: the bytes of the JSON, behind which they stand.',
});
const lengthHeader = {
  [JSON_LENGTH_HEADER]: {
    type: 'integer',
    format: 'int64',
    description: 'Of an answer with binary tensors: the bytes of its JSON.',
  },
};

/**
 * Checks a message and takes a place for each of its images. Afterwards the message may be dropped: numbers in JSON take
 * many times its bytes, and the images have been copied from it.
 * @throws Failure
 */
export function admitMessage(
  message: Message,
  { model, version }: ModelParams,
  options: InferOptions,
  client: Client | undefined,
  caller: Caller | undefined,
) {
  const { classifier, disclosure } = options;
  const { id, isBinary, inputs, outputs, parameters } = message;
  const isStrict = disclosure.mode === 'strict';
  const telling = { isStrict, of: disclosure.of };
  const request = { model, version, inputs, outputs, parameters };
  const inference = admitInference(request, classifier, options, telling, client, caller);
  return {
    /** Call once. @throws Failure */
    async answer(...[signal, timeline]: Parameters<AdmittedInference['run']>) {
      return encodeResponse(await inference.run(signal, timeline), { id, isBinary }, isStrict);
    },
  };
}

export const inferRoutes: FastifyPluginAsync<InferOptions> = async (app, options) => {
  const { classifier, maxBatchBytes } = options;
  parseBodies(app, readMessage);

  for (const { url, operationId, params } of eachVersion('/infer', 'infer')) {
    app.post(
      url,
      {
        bodyLimit: maxBatchBytes,
        config: { contentTypes },
        // The parser has checked the body.
        validatorCompiler: () => () => true,
        schema: {
          operationId,
          summary: 'Classify images, by the Open Inference Protocol',
          description:
            'The images are admitted together or not at all, and answered together: if one fails, the request fails. ' +
            'With the header Inference-Header-Content-Length, the tensors’ bytes stand behind the JSON.',
          tags: ['inference protocol'],
          params,
          headers: Type.Object({ [JSON_LENGTH_HEADER]: Type.Optional(JsonLength) }),
          body: {
            content: {
              'application/json': { schema: ref(InferenceRequest) },
              'application/octet-stream': { schema: Binary },
            },
          },
          response: {
            200: {
              description: 'The outputs.',
              headers: { ...requestIdHeader, ...budgetHeaders, ...lengthHeader },
              content: {
                'application/json': { schema: ref(InferenceResponse) },
                'application/octet-stream': { schema: Binary },
              },
            },
            ...protocolProblemResponses(
              'malformed-request',
              'invalid-body',
              'unauthorized',
              'unknown-model',
              'request-timeout',
              'body-too-large',
              'unsupported-media-type',
              'undecodable-image',
              'image-too-large',
              'budget-exceeded',
              'internal-error',
              'saturated',
              'worker-lost',
              'deadline-exceeded',
            ),
          },
        },
      },
      async (request, reply) => {
        const message = request.body as Message | undefined;
        if (!message)
          throw new Failure('invalid-body', 'The body is empty; it must be an inference request.');
        request.body = undefined;
        const { client, socket } = request;
        const caller = callerOf(classifier, client, socket.remoteAddress);
        const admitted = admitMessage(message, request.params as ModelParams, options, client, caller);
        const { headers, body } = await admitted.answer(clientSignal(reply.raw), () =>
          request.trace?.image(),
        );
        return reply.headers(headers).send(body);
      },
    );
  }
};
