// POST /classify: one encoded image in, one prediction out.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { type MediaType, mediaTypes } from '../../decoding/media-types.js';
import { Failure } from '../../foundation/errors.js';
import { ref } from '../../foundation/schema-ref.js';
import type { Classifier } from '../../serving/classifier.js';
import { createPlan } from '../../serving/plan.js';
import { PlanOptions } from '../../serving/plan-options.js';
import { Prediction } from '../../serving/prediction.js';
import { readFormFile } from '../bodies/form-file.js';
import { readBody } from '../bodies/read-body.js';
import { unsupportedMediaType } from '../bodies/unsupported-media-type.js';
import { callerOf } from '../connections/client-name.js';
import { clientSignal } from '../connections/client-signal.js';
import { budgetHeaders } from '../plugins/enforce-budgets.js';
import type { Disclosure } from '../privacy/disclosure.js';
import { problemResponses } from '../problems.js';
import { Binary, ModelVersion } from './parameters.js';

export const ClassifyQuery = Type.Object(
  {
    model: Type.Optional(Type.String({ maxLength: 64, description: 'Default: the server’s default model.' })),
    version: ModelVersion,
    ...PlanOptions.properties,
  },
  { additionalProperties: false },
);
export type ClassifyQuery = Type.Static<typeof ClassifyQuery>;

const { model, version, profile } = ClassifyQuery.properties;
const StrictQuery = Type.Object({ model, version, profile }, { additionalProperties: false });

/** In the privacy mode strict, no option may show or move the exit. The types of all others are optional anyway. */
export function queryOf({ mode }: Disclosure): typeof ClassifyQuery {
  return mode === 'strict' ? (StrictQuery as unknown as typeof ClassifyQuery) : ClassifyQuery;
}

/** The headers of `Disclosure`, for the document. */
const exitHeaders = {
  'x-exit-index': { type: 'integer', description: 'The exit taken.' },
  'x-flops': { type: 'integer', format: 'int64', description: 'FLOPs executed.' },
};
const timeHeaders = {
  'server-timing': { type: 'string', description: 'decode, queue, infer and total, in milliseconds.' },
};
const answerHeaders = {
  off: { ...exitHeaders, ...timeHeaders },
  coarse: exitHeaders,
  strict: {},
};

/** As Fastify states it. */
export const JSON_TYPE = 'application/json; charset=utf-8';

/** The problems of every operation that classifies. */
export const classifyProblems = [
  'malformed-request',
  'invalid-query',
  'unauthorized',
  'unknown-model',
  'request-timeout',
  'body-too-large',
  'unsupported-media-type',
  'budget-exceeded',
  'internal-error',
  'saturated',
  'worker-lost',
] as const;

export const requestIdHeader = {
  'x-request-id': { type: 'string', description: 'The request’s id, the client’s own if it sent one.' },
};

/** octet-stream: the content decides the format. It comes first because generated clients send the first type. */
export const contentTypes: readonly string[] = ['application/octet-stream', ...mediaTypes];
/** Taken too, but not in the document: there the body is the image itself. The content decides the format of all. */
const FORM = 'multipart/form-data';
const inexactTypes = ['image/jpg', 'image/*'];

export const classifyRoutes: FastifyPluginAsyncTypebox<{
  classifier: Classifier;
  disclosure: Disclosure;
  maxImageBytes: number;
}> = async (app, { classifier, disclosure, maxImageBytes }) => {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser([...contentTypes, ...inexactTypes], readBody);
  app.addContentTypeParser(FORM, readFormFile);
  app.addContentTypeParser('*', async (request: FastifyRequest) => {
    if (request.headers['content-type'] !== undefined) throw unsupportedMediaType(request);
    return readBody(request);
  });

  app.post(
    '/classify',
    {
      bodyLimit: maxImageBytes,
      config: { contentTypes: [...mediaTypes, 'application/octet-stream', `${FORM} with one file`] },
      schema: {
        operationId: 'classify',
        summary: 'Classify one image',
        description:
          'The body is the encoded image itself: PNG, JPEG or WebP. The network runs stage by stage and stops at the first exit that ' +
          'is sure enough; the answer says which one that was and what it cost.',
        tags: ['classification'],
        querystring: queryOf(disclosure),
        body: { content: Object.fromEntries(contentTypes.map((type) => [type, { schema: Binary }])) },
        response: {
          200: {
            description: 'The prediction.',
            headers: {
              ...requestIdHeader,
              ...(disclosure.mode !== 'strict' && budgetHeaders),
              ...answerHeaders[disclosure.mode],
            },
            content: { 'application/json': { schema: ref(Prediction) } },
          },
          ...problemResponses(
            ...classifyProblems,
            'invalid-body',
            'undecodable-image',
            'image-too-large',
            'deadline-exceeded',
          ),
        },
      },
    },
    async (request, reply) => {
      const { query } = request;
      const caller = callerOf(classifier, request.client, request.socket.remoteAddress);
      const plan = createPlan(classifier.catalog.find(query.model, query.version), query, caller);
      const bytes = request.body as unknown;
      if (!(bytes instanceof Buffer) || bytes.length === 0) {
        throw new Failure('invalid-body', 'The body is empty; it must be the image itself.');
      }
      const mediaType = mediaTypeOf(request.headers['content-type']);

      const admitted = classifier.admit(1, request.client, caller);
      try {
        const timeline = request.trace?.image();
        const signal = clientSignal(reply.raw);
        const prediction = await admitted.classify({ bytes, mediaType }, plan, signal, timeline);
        reply.headers(disclosure.headers(prediction));
        const told = disclosure.of(prediction);
        if (disclosure.mode !== 'strict') return told as Prediction;
        return sendText(reply, disclosure.text(told, [told], plan.model.manifest.classes));
      } finally {
        admitted.leave();
      }
    },
  );
};

/** Sends JSON as it is: as a text it is not serialised again. */
export function sendText(reply: FastifyReply, text: string): never {
  return reply.type(JSON_TYPE).send(text) as never;
}

/** Ignores parameters and case. undefined: the format is detected from the content. */
export function mediaTypeOf(contentType = ''): MediaType | undefined {
  const essence = contentType.split(';', 1)[0]?.trim().toLowerCase();
  return mediaTypes.find((type) => type === essence);
}
