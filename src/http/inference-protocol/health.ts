// The probes of the Open Inference Protocol: they say the same as /livez and /readyz.
import type { FastifyPluginAsync } from 'fastify';
import type { Classifier } from '../../serving/classifier.js';
import { protocolProblemResponses } from '../problems.js';
import { assertReady, type HealthOptions } from '../routes/health.js';
import { answer, modelRoute, OPERATIONS_TAG } from './metadata.js';
import { ModelReady, ServerLive, ServerReady } from './schemas.js';

export interface ProtocolHealthOptions extends HealthOptions {
  readonly classifier: Classifier;
}

export const protocolHealthRoutes: FastifyPluginAsync<ProtocolHealthOptions> = async (app, options) => {
  app.get(
    '/v2/health/live',
    {
      schema: {
        operationId: 'isServerLive',
        summary: 'Is the process alive? By the Open Inference Protocol',
        tags: [OPERATIONS_TAG],
        security: [],
        response: answer('Yes.', ServerLive),
      },
    },
    async () => ({ live: true }),
  );

  app.get(
    '/v2/health/ready',
    {
      schema: {
        operationId: 'isServerReady',
        summary: 'May it be sent requests? By the Open Inference Protocol',
        tags: [OPERATIONS_TAG],
        security: [],
        response: {
          ...answer('Yes.', ServerReady),
          ...protocolProblemResponses('shutting-down', 'worker-lost'),
        },
      },
    },
    async () => {
      assertReady(options);
      return { ready: true };
    },
  );

  modelRoute(app, options.classifier, {
    path: '/ready',
    operationId: 'isModelReady',
    summary: 'May a model be sent requests?',
    tags: [OPERATIONS_TAG],
    description: 'Yes.',
    schema: ModelReady,
    problems: ['shutting-down', 'worker-lost'],
    answer: ({ name }) => {
      assertReady(options);
      return { name, ready: true };
    },
  });
};
