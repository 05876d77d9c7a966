// The catalogue of failures, its explanation in docs/errors.md and the tests that produce each failure are consistent.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type FailureType, failures } from '../../src/foundation/errors.js';

const root = join(import.meta.dirname, '../../..');
const types = Object.keys(failures) as FailureType[];

/** By failure: the test that produces it over HTTP. */
const producedIn: Record<FailureType, string> = {
  'malformed-request': 'http/protocol',
  'invalid-query': 'http/routes/bad-queries',
  'invalid-body': 'http/routes/bad-images',
  unauthorized: 'http/plugins/api-keys',
  forbidden: 'contract/audit',
  'not-found': 'http/protocol',
  'unknown-model': 'http/routes/models',
  'method-not-allowed': 'http/protocol',
  'request-timeout': 'http/protocol',
  'body-too-large': 'http/protocol',
  'headers-too-large': 'http/protocol',
  'unsupported-media-type': 'http/routes/bad-images',
  'expectation-failed': 'http/protocol',
  'undecodable-image': 'http/routes/bad-images',
  'image-too-large': 'http/routes/bad-images',
  'budget-exceeded': 'contract/load/budgets',
  'client-gone': 'contract/client-gone',
  'internal-error': 'contract/worker-faults',
  saturated: 'contract/load/overload',
  'worker-lost': 'contract/worker-faults',
  'shutting-down': 'http/routes/health',
  'deadline-exceeded': 'contract/deadlines',
};

test('docs/errors.md explains exactly the existing types, with their statuses', async () => {
  const text = await readFile(join(root, 'docs/errors.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `([a-z-]+)` \| (\d+) \| (.+) \|$/gm)];
  assert.deepEqual(
    rows.map(([, type, status]) => `${type} ${status}`).sort(),
    types.map((type) => `${type} ${failures[type].status}`).sort(),
  );
  for (const [, type, , explanation = ''] of rows) assert.match(explanation, /\.$/, type);
});

for (const type of types) {
  test(`${type} is produced in ${producedIn[type]}.test.ts`, async () => {
    const source = await readFile(join(root, 'test', `${producedIn[type]}.test.ts`), 'utf8');
    assert.ok(source.includes(`'${type}'`));
  });
}
