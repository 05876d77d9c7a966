// GET /livez and /readyz. The server listens only after every model is loaded and warmed up. So it is ready from its
// first answer until it starts to drain, except while it has no worker.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import { Failure } from '../../foundation/errors.js';
import { ref } from '../../foundation/schema-ref.js';
import type { Classifier } from '../../serving/classifier.js';
import { noWorkerLeft } from '../../workers/request-queue.js';
import { problemResponses } from '../problems.js';
import { Engine } from './models.js';

export const Liveness = Type.Object({ status: Type.Literal('alive') }, { $id: 'Liveness' });
export const Readiness = Type.Object(
  { status: Type.Literal('ready'), engine: ref(Engine) },
  { $id: 'Readiness' },
);

const yes = (schema: Type.TSchema) => ({
  description: 'Yes.',
  content: { 'application/json': { schema: ref(schema) } },
});

export interface HealthOptions {
  readonly isDraining: () => boolean;
  readonly classifier: Pick<Classifier, 'engine' | 'hasWorkers'>;
}

export const healthRoutes: FastifyPluginAsyncTypebox<HealthOptions> = async (app, options) => {
  const { classifier } = options;
  app.get(
    '/livez',
    {
      schema: {
        operationId: 'isAlive',
        summary: 'Is the process alive?',
        tags: ['operations'],
        security: [],
        response: { 200: yes(Liveness) },
      },
    },
    async () => ({ status: 'alive' }),
  );

  app.get(
    '/readyz',
    {
      schema: {
        operationId: 'isReady',
        summary: 'May it be sent requests?',
        tags: ['operations'],
        security: [],
        response: { 200: yes(Readiness), ...problemResponses('shutting-down', 'worker-lost') },
      },
    },
    async () => {
      assertReady(options);
      return { status: 'ready', engine: classifier.engine };
    },
  );
};

/** @throws Failure `shutting-down`, `worker-lost` */
export function assertReady({ isDraining, classifier }: HealthOptions): void {
  if (isDraining()) throw shuttingDown();
  if (!classifier.hasWorkers()) throw noWorkerLeft();
}

export function shuttingDown(): Failure {
  return new Failure('shutting-down', 'This server is finishing what it has accepted.');
}

/** As `assertReady`, without the reason. */
export function isReady({ isDraining, classifier }: HealthOptions): boolean {
  return !isDraining() && classifier.hasWorkers();
}
