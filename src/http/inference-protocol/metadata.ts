// What the Open Inference Protocol tells of the server and its models.
import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import type Type from 'typebox';
import type { FailureType } from '../../foundation/errors.js';
import { ref } from '../../foundation/schema-ref.js';
import { describeMetadata, describeServer } from '../../inference-protocol/describe-model.js';
import type { InputDatatype } from '../../inference-protocol/read-images.js';
import type { ServedModel } from '../../serving/catalog.js';
import type { Classifier } from '../../serving/classifier.js';
import type { Disclosure } from '../privacy/disclosure.js';
import { protocolProblemResponses } from '../problems.js';
import { eachVersion, type ModelParams } from './each-version.js';
import { ModelMetadata, ServerMetadata } from './schemas.js';

export const PROTOCOL_TAG = 'inference protocol';
/** Of what is asked for again and again; it is not traced. */
export const OPERATIONS_TAG = 'operations';

export const answer = (description: string, schema: Type.TSchema) => ({
  200: { description, content: { 'application/json': { schema: ref(schema) } } },
});

export interface ModelRoute {
  /** Behind the address of the model. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly tags?: readonly string[];
  /** Of the answer. */
  readonly description: string;
  readonly schema: Type.TSchema;
  /** Beyond those of every route. */
  readonly problems?: readonly FailureType[];
  readonly answer: (model: ServedModel) => unknown;
}

/** Registers GET of something about a model, for its default and for a named version. */
export function modelRoute(
  app: FastifyInstance,
  { catalog }: Pick<Classifier, 'catalog'>,
  route: ModelRoute,
): void {
  for (const { url, operationId, params } of eachVersion(route.path, route.operationId)) {
    app.get(
      url,
      {
        schema: {
          operationId,
          summary: route.summary,
          tags: route.tags ?? [PROTOCOL_TAG],
          params,
          response: {
            ...answer(route.description, route.schema),
            ...protocolProblemResponses(
              'malformed-request',
              'unauthorized',
              'unknown-model',
              ...(route.problems ?? []),
            ),
          },
        },
      },
      async (request) => {
        const { model, version } = request.params as ModelParams;
        return route.answer(catalog.find(model, version));
      },
    );
  }
}

export const metadataRoutes: FastifyPluginAsync<{
  classifier: Classifier;
  disclosure: Disclosure;
  datatype: InputDatatype;
}> = async (app, { classifier, disclosure, datatype }) => {
  const isStrict = disclosure.mode === 'strict';
  app.get(
    '/v2',
    {
      schema: {
        operationId: 'getServerMetadata',
        summary: 'The server, by the Open Inference Protocol',
        tags: [PROTOCOL_TAG],
        response: {
          ...answer('Its name, and the extensions that it speaks.', ServerMetadata),
          ...protocolProblemResponses('unauthorized'),
        },
      },
    },
    async () => describeServer(isStrict),
  );

  modelRoute(app, classifier, {
    path: '',
    operationId: 'getModelMetadata',
    summary: 'The inputs and outputs of a model',
    description: 'The model.',
    schema: ModelMetadata,
    answer: (model) => describeMetadata(model, classifier.catalog, datatype, isStrict),
  });
};
