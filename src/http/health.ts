// GET /livez and /readyz. The server listens only once every model is loaded and warmed, so it is ready from its
// first answer on, until it begins to drain.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import { Failure } from '../errors.js';
import { problemResponses } from './problems.js';

const Status = (value: string) => ({
  description: 'Yes.',
  content: { 'application/json': { schema: Type.Object({ status: Type.Literal(value) }) } },
});

export const healthRoutes: FastifyPluginAsyncTypebox<{ isDraining: () => boolean }> = async (
  app,
  { isDraining },
) => {
  app.get(
    '/livez',
    {
      schema: {
        operationId: 'isAlive',
        summary: 'Is the process alive?',
        tags: ['operations'],
        response: { 200: Status('alive') },
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
        response: { 200: Status('ready'), ...problemResponses('shutting-down') },
      },
    },
    async () => {
      if (isDraining()) throw new Failure('shutting-down', 'This server is finishing what it has accepted.');
      return { status: 'ready' };
    },
  );
};
