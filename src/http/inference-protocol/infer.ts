// POST /v2/models/{model}[/versions/{version}]/infer: images in, the outputs of a model out.
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { Failure } from '../../foundation/errors.js';
import { ref } from '../../foundation/schema-ref.js';
import { type AdmittedInference, admitInference } from '../../inference-protocol/infer.js';
import type { ImageLimits } from '../../inference-protocol/read-images.js';
import type { Classifier } from '../../serving/classifier.js';
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
import { sendResponse } from './write-response.js';

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

export const inferRoutes: FastifyPluginAsync<InferOptions> = async (app, options) => {
  const { classifier, disclosure, maxBatchBytes } = options;
  const telling = { isStrict: disclosure.mode === 'strict', of: disclosure.of };
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
        const { inference, form } = admit(request);
        const result = await inference.run(clientSignal(reply.raw), () => request.trace?.image());
        return sendResponse(reply, result, form, telling.isStrict);
      },
    );
  }

  /** Lets go of the body: numbers in JSON take many times its bytes, and the images have been copied from it. */
  function admit(request: FastifyRequest): {
    readonly inference: AdmittedInference;
    readonly form: Pick<Message, 'id' | 'isBinary'>;
  } {
    const { model, version } = request.params as ModelParams;
    const body = request.body as Message | undefined;
    if (!body) throw new Failure('invalid-body', 'The body is empty; it must be an inference request.');
    const { id, isBinary, ...message } = body;
    request.body = undefined;
    const caller = callerOf(classifier, request.client, request.socket.remoteAddress);
    return {
      inference: admitInference(
        { ...message, model, version },
        classifier,
        options,
        telling,
        request.client,
        caller,
      ),
      form: { id, isBinary },
    };
  }
};
