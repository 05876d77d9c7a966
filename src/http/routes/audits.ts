// The state of a profile's live audit, and its reset, which is the only operation for operators over HTTP.
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import { Failure } from '../../foundation/errors.js';
import { ref } from '../../foundation/schema-ref.js';
import type { AuditState } from '../../serving/auditing/profile-audit.js';
import type { Classifier } from '../../serving/classifier.js';
import { requireOperatorRoutes } from '../plugins/require-operator-routes.js';
import { problemResponses } from '../problems.js';

const Count = (description: string) => Type.Integer({ minimum: 0, format: 'int64', description });

export const Audit = Type.Object(
  {
    epsilon: Type.Unsafe<number | null>({
      type: ['number', 'null'],
      description:
        'The most of its answers that may differ from the full network’s, as certified; null where the ' +
        'certificate promises something else: then answers are compared and counted, and there is no alarm.',
    }),
    evidence: Type.Number({
      minimum: 0,
      description: 'What a bet of 1 against the certificate has become; the alarm is at 1/α.',
    }),
    alarm: Type.Boolean({
      description: 'Whether it has been reached. Requests for this profile are then served with `full`.',
    }),
    agreed: Count('Sampled answers that the full network gave too.'),
    differed: Count('Sampled answers that it did not give.'),
    failed: Count('Samples without an answer: client gone, engine failed, worker lost, output not finite.'),
    dropped: Count('Samples not taken for want of a place; decided before their outcome was known.'),
  },
  { $id: 'Audit' },
);
type Audit = Type.Static<typeof Audit>;

export const AuditReset = Type.Object(
  { reason: Type.String({ minLength: 1, maxLength: 500, description: 'Goes into the log.' }) },
  { $id: 'AuditReset', additionalProperties: false },
);

export function describeAudit({ epsilon, evidence, isAlarmed, results }: AuditState): Audit {
  // JSON cannot represent infinity.
  const finite = Math.min(evidence, Number.MAX_VALUE);
  return { epsilon: epsilon ?? null, evidence: finite, alarm: isAlarmed, ...results };
}

export const auditRoutes: FastifyPluginAsyncTypebox<{
  classifier: Classifier;
  operatorRoutes: boolean;
}> = async (app, { classifier, operatorRoutes }) => {
  app.post(
    '/models/:name/versions/:version/profiles/:profile/audit/reset',
    {
      schema: {
        operationId: 'resetAudit',
        summary: 'Put a profile back into service after its audit’s alarm',
        description:
          'The audit begins anew, with no evidence. Only where the server was started with `--operator-routes true`.',
        tags: ['operations'],
        params: Type.Object({ name: Type.String(), version: Type.String(), profile: Type.String() }),
        body: ref(AuditReset),
        response: {
          200: {
            description: 'The audit as it is now.',
            content: { 'application/json': { schema: ref(Audit) } },
          },
          ...problemResponses(
            'malformed-request',
            'invalid-body',
            'unauthorized',
            'forbidden',
            'unknown-model',
            'request-timeout',
            'body-too-large',
            'unsupported-media-type',
          ),
        },
      },
      onRequest: requireOperatorRoutes(operatorRoutes),
    },
    async ({ params, body, log }) => {
      const model = classifier.catalog.find(params.name, params.version);
      const audit = model.profiles.get(params.profile)?.audit;
      if (!audit) throw new Failure('unknown-model', `${model.label} audits no profile "${params.profile}".`);
      log.warn({ ...params, reason: body.reason, before: audit.state() }, 'audit reset by an operator');
      audit.reset();
      return describeAudit(audit.state());
    },
  );
};
