// Budgets of clients over HTTP: answers 429 without taking the body, and tells in the header fields RateLimit and
// RateLimit-Policy what is left (draft-ietf-httpapi-ratelimit-headers-11). The door itself, serving/classifier.ts,
// checks budgets for every transport.
import fp from 'fastify-plugin';
import { type Budget, MOST_FLOPS } from '../../access/budget.js';
import { type Client, retryAfter } from '../../access/client.js';
import type { PrivacyMode } from '../../config/settings.js';

/** Name of the policy. Its unit, which the draft's registry does not have, is FLOPs. */
const POLICY = '"flops"';

/** For the OpenAPI document. */
export const budgetHeaders = {
  ratelimit: {
    type: 'string',
    description:
      'Only for clients with a budget: the FLOPs left (r), and if none are, the seconds until there are some (t).',
  },
  'ratelimit-policy': {
    type: 'string',
    description: 'Only for clients with a budget: FLOPs (q) for a number of seconds (w).',
  },
};

/** Applies to routes that are registered after it and have their own body limit. */
export const enforceBudgets = fp<{ mode: PrivacyMode }>(
  async (app, { mode }) => {
    app.addHook('onRoute', (route) => {
      const { bodyLimit, onRequest = [], onSend = [] } = route;
      if (bodyLimit === undefined) return;
      route.onRequest = [onRequest].flat().concat((request, _reply, done) => {
        const { client, raw } = request;
        if (!client || client.hasBudget()) return done();
        // What arrives while the refusal waits is dropped.
        raw.resume();
        void client.refuse().then(done);
      });
      // What is left falls by the FLOPs of each answer, which show its exit.
      if (mode === 'strict') return;
      route.onSend = [onSend].flat().concat((request, reply, _payload, done) => {
        reply.headers(rateLimitHeaders(request.client));
        done();
      });
    });
  },
  { name: 'enforce-budgets' },
);

/** The fields for a client with a budget; none for others. */
export function rateLimitHeaders(client: Client | undefined): Record<string, string> {
  if (!client?.budget) return {};
  return { 'ratelimit-policy': policyOf(client.budget), ratelimit: limitOf(client.budget) };
}

/** The burst, as the FLOPs of the whole seconds that it takes to save up. */
function policyOf({ settings: { flopsPerSecond, burstFlops } }: Budget): string {
  const seconds = Math.max(1, Math.round(burstFlops / flopsPerSecond));
  return `${POLICY};q=${integer(flopsPerSecond * seconds)};qu="flops";w=${seconds}`;
}

function limitOf(budget: Budget): string {
  const balance = budget.balance();
  if (balance > 0) return `${POLICY};r=${integer(balance)}`;
  return `${POLICY};r=0;t=${retryAfter(budget.waitSeconds())}`;
}

function integer(value: number): number {
  return Math.min(MOST_FLOPS, Math.floor(value));
}
