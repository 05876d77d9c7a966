// POST /classify/batch: several images in one JSON document; one prediction or problem for each, in order.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyBaseLogger } from 'fastify';
import Type from 'typebox';
import { Failure } from '../../foundation/errors.js';
import { ref } from '../../foundation/schema-ref.js';
import { decodeBase64Image } from '../../serving/base64-image.js';
import type { Admitted, Classifier } from '../../serving/classifier.js';
import { createPlan, type Plan } from '../../serving/plan.js';
import { Prediction } from '../../serving/prediction.js';
import type { Timeline } from '../../serving/timeline.js';
import type { Metrics } from '../../telemetry/metrics.js';
import type { ClientSignal } from '../../workers/request.js';
import { failureOf, logFailure } from '../answer-errors.js';
import { callerOf } from '../connections/client-name.js';
import { clientSignal } from '../connections/client-signal.js';
import { budgetHeaders } from '../plugins/enforce-budgets.js';
import type { Disclosure } from '../privacy/disclosure.js';
import { Problem, problemOf, problemResponses } from '../problems.js';
import { classifyProblems, queryOf, requestIdHeader, sendText } from './classify.js';

export const BatchRequest = Type.Object(
  {
    images: Type.Array(
      Type.String({ contentEncoding: 'base64', description: 'One encoded image, in base64.' }),
      {
        minItems: 1,
        description: 'Each is classified by itself, with the same options.',
      },
    ),
  },
  { $id: 'BatchRequest', additionalProperties: false },
);

export const BatchItem = Type.Object(
  {
    prediction: Type.Optional(ref(Prediction)),
    problem: Type.Optional(ref(Problem)),
  },
  { $id: 'BatchItem', description: 'Exactly one of the two.' },
);
type BatchItem = Type.Static<typeof BatchItem>;

export const BatchResponse = Type.Object(
  {
    results: Type.Array(ref(BatchItem), {
      description: 'One for each image, in the order of the request.',
    }),
  },
  { $id: 'BatchResponse' },
);

export interface ClassifyBatchOptions {
  readonly classifier: Classifier;
  readonly disclosure: Disclosure;
  readonly metrics: Metrics;
  readonly maxImageBytes: number;
  readonly maxBatchImages: number;
  readonly maxBatchBytes: number;
}

export const classifyBatchRoutes: FastifyPluginAsyncTypebox<ClassifyBatchOptions> = async (app, options) => {
  const { classifier, disclosure, metrics, maxImageBytes, maxBatchImages, maxBatchBytes } = options;

  app.post(
    '/classify/batch',
    {
      bodyLimit: maxBatchBytes,
      schema: {
        operationId: 'classifyBatch',
        summary: 'Classify several images',
        description:
          'The images are admitted together or not at all; after that, each has its own result: a prediction or a ' +
          'problem. One that fails does not affect the others.',
        tags: ['classification'],
        querystring: queryOf(disclosure),
        body: ref(BatchRequest),
        response: {
          200: {
            description: 'One result for each image.',
            headers: { ...requestIdHeader, ...budgetHeaders },
            content: {
              'application/json': { schema: ref(BatchResponse) },
            },
          },
          ...problemResponses(...classifyProblems, 'invalid-body'),
        },
      },
    },
    async (request, reply) => {
      const { query, body } = request;
      const { images } = body;
      const caller = callerOf(classifier, request.client, request.socket.remoteAddress);
      const plan = createPlan(classifier.catalog.find(query.model, query.version), query, caller);
      if (images.length > maxBatchImages) {
        throw new Failure(
          'invalid-body',
          `images: ${images.length} are more than the ${maxBatchImages} allowed.`,
        );
      }
      const admitted = classifier.admit(images.length, request.client, caller);
      const signal = clientSignal(reply.raw);
      try {
        const results = await Promise.all(
          images.map((text) =>
            classifyOne(admitted, text, plan, signal, request.log, request.trace?.image()),
          ),
        );
        if (disclosure.mode !== 'strict') return { results };
        const told = results.flatMap(({ prediction }) => prediction ?? []);
        return sendText(reply, disclosure.text({ results }, told, plan.model.manifest.classes));
      } finally {
        admitted.leave();
      }
    },
  );

  async function classifyOne(
    admitted: Admitted,
    text: string,
    plan: Plan,
    signal: ClientSignal,
    log: FastifyBaseLogger,
    timeline: Timeline | undefined,
  ): Promise<BatchItem> {
    try {
      const prediction = await admitted.classify(
        { bytes: decodeBase64Image(text, maxImageBytes), mediaType: undefined },
        plan,
        signal,
        timeline,
      );
      return { prediction: disclosure.of(prediction) as Prediction };
    } catch (error) {
      const failure = failureOf(error);
      logFailure(failure, log);
      metrics.rejections.inc({ reason: failure.type });
      return { problem: problemOf(failure) };
    }
  }
};
