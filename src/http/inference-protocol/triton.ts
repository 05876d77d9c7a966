// Triton's extensions of the protocol, as far as its clients and perf_analyzer need them: the configuration and the
// statistics of a model, and the index of the model repository.
import type { FastifyPluginAsync } from 'fastify';
import { describeConfiguration, indexRepository } from '../../inference-protocol/describe-model.js';
import type { InputDatatype } from '../../inference-protocol/read-images.js';
import { statisticsOf } from '../../inference-protocol/statistics.js';
import type { Classifier } from '../../serving/classifier.js';
import type { Metrics } from '../../telemetry/metrics.js';
import type { Disclosure } from '../privacy/disclosure.js';
import { protocolProblemResponses } from '../problems.js';
import { answer, modelRoute, OPERATIONS_TAG, PROTOCOL_TAG } from './metadata.js';
import { contentTypes, parseBodies, readIndexRequest } from './read-message.js';
import {
  ModelConfiguration,
  RepositoryIndex,
  type RepositoryIndexRequest,
  StatisticsList,
} from './schemas.js';

export interface TritonOptions {
  readonly classifier: Classifier;
  readonly disclosure: Disclosure;
  readonly metrics: Metrics;
  readonly maxBatchImages: number;
  /** Of images, that the configuration names. */
  readonly datatype: InputDatatype;
}

export const tritonRoutes: FastifyPluginAsync<TritonOptions> = async (app, options) => {
  const { classifier, metrics, maxBatchImages, datatype } = options;
  const isStrict = options.disclosure.mode === 'strict';

  modelRoute(app, classifier, {
    path: '/config',
    operationId: 'getModelConfiguration',
    summary: 'The configuration of a model, as Triton tells it',
    description: 'What its clients read of it.',
    schema: ModelConfiguration,
    answer: (model) => describeConfiguration(model, maxBatchImages, datatype, isStrict),
  });
  // The difference of two reads is the engine time of the images between them.
  if (!isStrict)
    modelRoute(app, classifier, {
      path: '/stats',
      operationId: 'getModelStatistics',
      summary: 'The statistics of a model, as Triton tells them',
      tags: [OPERATIONS_TAG],
      description: 'Since the start of the server.',
      schema: StatisticsList,
      answer: async (model) => ({ model_stats: [await statisticsOf(model, metrics)] }),
    });

  parseBodies(app, readIndexRequest);
  app.post(
    '/v2/repository/index',
    {
      config: { contentTypes },
      schema: {
        operationId: 'indexRepository',
        summary: 'Every model that was found, as Triton tells it',
        tags: [PROTOCOL_TAG],
        // The body is optional and read by the parser. @fastify/swagger would describe it as required.
        response: {
          ...answer('What is served, and what was refused and why.', RepositoryIndex),
          ...protocolProblemResponses(
            'malformed-request',
            'invalid-body',
            'unauthorized',
            'request-timeout',
            'body-too-large',
            'unsupported-media-type',
          ),
        },
      },
    },
    async ({ body }) => {
      const { ready } = (body ?? {}) as RepositoryIndexRequest;
      return indexRepository(classifier.catalog, classifier.refused(), ready === true);
    },
  );
};
