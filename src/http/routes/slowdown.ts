// The clients that are tested for slowdown inputs, for operators: those with an alarm, and the reset of one.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import { type SlowdownAction, slowdownActions } from '../../config/settings.js';
import { Failure } from '../../foundation/errors.js';
import { ref } from '../../foundation/schema-ref.js';
import type { Classifier } from '../../serving/classifier.js';
import type { SlowdownWatch, WatchedClient } from '../../serving/slowdown/slowdown-watch.js';
import { requireOperatorRoutes } from '../plugins/require-operator-routes.js';
import { problemResponses } from '../problems.js';

const Flops = (description: string) => Type.Integer({ minimum: 0, format: 'int64', description });

export const SlowdownClient = Type.Object(
  {
    client: Type.String({
      description:
        'Name of the API key’s owner; without keys the IPv4 address, or the /64 of the IPv6 address.',
    }),
    images: Type.Integer({
      minimum: 0,
      format: 'int64',
      description: 'Tested images; after the alarm no more are.',
    }),
    meanFlops: Flops('Executed for one of them, in the mean.'),
    certifiedFlops: Flops('The mean that the certificates of the same profiles say.'),
    evidence: Type.Number({
      minimum: 0,
      description: 'What a bet of 1 against the certificates has become; the alarm is at 1/α.',
    }),
    alarm: Type.Boolean({ description: 'Whether it has been reached.' }),
    since: Type.Optional(Type.String({ description: 'When, ISO 8601.' })),
  },
  { $id: 'SlowdownClient' },
);
type SlowdownClient = Type.Static<typeof SlowdownClient>;

export const Slowdown = Type.Object(
  {
    action: Type.Unsafe<SlowdownAction>({
      type: 'string',
      'x-extensible-enum': [...slowdownActions],
      description: 'What follows an alarm, as the server was started.',
    }),
    alpha: Type.Number({
      minimum: 0,
      maximum: 1,
      description: 'α: the probability that one honest client ever raises an alarm; 0 if nothing is tested.',
    }),
    tolerance: Type.Number({ minimum: 0, description: 'As the server was started.' }),
    alarmed: Type.Integer({ minimum: 0, description: 'How many clients have an alarm.' }),
    clients: Type.Array(ref(SlowdownClient), {
      description: 'Up to 1,000 with an alarm, the latest first; then the 20 others with the most evidence.',
    }),
  },
  { $id: 'Slowdown' },
);
type Slowdown = Type.Static<typeof Slowdown>;

export const SlowdownReset = Type.Object(
  {
    client: Type.String({ minLength: 1, maxLength: 64, description: 'As GET /slowdown shows it.' }),
    reason: Type.String({ minLength: 1, maxLength: 500, description: 'Goes into the log.' }),
  },
  { $id: 'SlowdownReset', additionalProperties: false },
);

export const slowdownRoutes: FastifyPluginAsyncTypebox<{
  classifier: Classifier;
  operatorRoutes: boolean;
}> = async (app, { classifier, operatorRoutes }) => {
  const onRequest = requireOperatorRoutes(operatorRoutes);

  app.get(
    '/slowdown',
    {
      schema: {
        operationId: 'getSlowdown',
        summary: 'Clients whose images go deeper than was certified',
        description: 'Only where the server was started with `--operator-routes true`.',
        tags: ['operations'],
        response: {
          200: {
            description: 'The clients.',
            content: { 'application/json': { schema: ref(Slowdown) } },
          },
          ...problemResponses('malformed-request', 'unauthorized', 'forbidden', 'request-timeout'),
        },
      },
      onRequest,
    },
    async () => describe(classifier.slowdown),
  );

  app.post(
    '/slowdown/reset',
    {
      schema: {
        operationId: 'resetSlowdown',
        summary: 'Forget what is known of a client, and its slowdown alarm',
        description:
          'Its test begins anew, with no evidence. Only where the server was started with `--operator-routes true`.',
        tags: ['operations'],
        body: ref(SlowdownReset),
        response: {
          200: {
            description: 'The clients as they are now.',
            content: { 'application/json': { schema: ref(Slowdown) } },
          },
          ...problemResponses(
            'malformed-request',
            'invalid-body',
            'unauthorized',
            'forbidden',
            'not-found',
            'request-timeout',
            'body-too-large',
            'unsupported-media-type',
          ),
        },
      },
      onRequest,
    },
    async ({ body: { client, reason }, log }) => {
      const before = classifier.slowdown?.reset(client);
      if (!before) throw new Failure('not-found', `Nothing is known of a client "${client}".`);
      log.warn({ reason, before }, 'slowdown test reset by an operator');
      return describe(classifier.slowdown);
    },
  );
};

function describe(watch: SlowdownWatch | undefined): Slowdown {
  if (!watch) return { action: 'off', alpha: 0, tolerance: 0, alarmed: 0, clients: [] };
  const { action, alpha, tolerance } = watch;
  return { action, alpha, tolerance, alarmed: watch.alarmed(), clients: watch.list().map(describeClient) };
}

function describeClient({ alarmedAt, ...client }: WatchedClient): SlowdownClient {
  return { ...client, alarm: alarmedAt !== undefined, ...(alarmedAt && { since: alarmedAt.toISOString() }) };
}
