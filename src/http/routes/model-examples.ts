// GET /models/{name}/examples/{file}: an example image of a model, as GET /models names it.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import { mediaTypes } from '../../decoding/media-types.js';
import { Failure } from '../../foundation/errors.js';
import type { Classifier } from '../../serving/classifier.js';
import { problemResponses } from '../problems.js';
import { Binary, VersionQuery } from './parameters.js';

export const modelExampleRoutes: FastifyPluginAsyncTypebox<{ classifier: Classifier }> = async (
  app,
  { classifier },
) => {
  app.get(
    '/models/:name/examples/:file',
    {
      schema: {
        operationId: 'getModelExample',
        summary: 'One example image of a model',
        description: 'The image file, PNG, JPEG or WebP, as it can be sent to POST /classify.',
        tags: ['models'],
        params: Type.Object({ name: Type.String(), file: Type.String() }),
        querystring: VersionQuery,
        response: {
          200: {
            description: 'The image.',
            content: Object.fromEntries(mediaTypes.map((type) => [type, { schema: Binary }])),
          },
          ...problemResponses(
            'malformed-request',
            'invalid-query',
            'unauthorized',
            'unknown-model',
            'not-found',
          ),
        },
      },
    },
    async (request, reply) => {
      const { name, file } = request.params;
      const { label, examples } = classifier.catalog.find(name, request.query.version);
      const example = examples.find((one) => one.file === file);
      if (!example) {
        const known = examples.map((one) => one.file).join(', ') || 'none';
        throw new Failure('not-found', `${label} has no example "${file}"; these are: ${known}.`);
      }
      return reply.type(example.mediaType).send(Buffer.from(example.bytes));
    },
  );
};
