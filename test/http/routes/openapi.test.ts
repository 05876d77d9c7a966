// The OpenAPI document: the committed document equals the served one, its parts have names, and it describes the
// service's answers.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { failures } from '../../../src/foundation/errors.js';
import { classifyProblems } from '../../../src/http/routes/classify.js';
import { namedSchemas } from '../../../src/http/schemas.js';
import { testImages } from '../../support/packages/profiled-package.js';
import { classify, classifyBatch } from '../../support/service/requests.js';
import { startTestService } from '../../support/service/service.js';

interface Operation {
  readonly operationId: string;
  readonly summary?: string;
  readonly security?: readonly object[];
  readonly responses: Record<string, Answer>;
}
interface Answer {
  readonly description: string;
  readonly headers?: Record<string, object>;
  readonly content: Record<string, { schema: object }>;
}
interface Document {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly security: readonly object[];
  readonly components: { readonly schemas: Record<string, object> };
}

const { url, classifier, config } = await startTestService({ after });
const served = (await (await fetch(`${url}/openapi.json`)).json()) as Document;
const operations = Object.values(served.paths).flatMap((path) => Object.values(path));

test('the committed document equals the served one; `npm run openapi` updates it', async () => {
  const file = join(import.meta.dirname, '../../../../openapi/openapi.json');
  assert.deepEqual(JSON.parse(await readFile(file, 'utf8')), served);
});

test('every operation and every schema has its name for generated clients', () => {
  assert.equal(served.openapi, '3.1.0');
  const names = operations.map(({ operationId }) => operationId);
  assert.deepEqual(names.sort(), [
    'classify',
    'classifyBatch',
    'getMetrics',
    'getModel',
    'isAlive',
    'isReady',
    'listModels',
    'resetAudit',
  ]);
  const schemas = namedSchemas.map((schema) => (schema as unknown as { $id: string }).$id);
  assert.deepEqual(Object.keys(served.components.schemas).sort(), schemas.sort());
  for (const { summary } of operations) assert.ok(summary);
});

test('every failure of an operation is a problem document, and all possible failures are listed', () => {
  for (const { operationId, responses } of operations) {
    for (const [status, { description, content }] of Object.entries(responses)) {
      assert.notEqual(description, 'Default Response', `${operationId} ${status}`);
      if (status !== '200') assert.deepEqual(Object.keys(content), ['application/problem+json']);
    }
  }
  const statuses = (name: string) =>
    Object.keys(operations.find(({ operationId }) => operationId === name)?.responses ?? {});
  const common = classifyProblems.map((type) => `${failures[type].status}`);
  assert.deepEqual(statuses('classify').sort(), [...new Set(['200', ...common, '422', '504'])].sort());
  assert.deepEqual(statuses('classifyBatch').sort(), [...new Set(['200', ...common])].sort());
  assert.deepEqual(statuses('getModel'), ['200', '400', '401', '404']);
  assert.deepEqual(statuses('isReady'), ['200', '503']);
});

test('all operations except the probes may need a key, and only the probes are marked as open', () => {
  assert.deepEqual(served.security, [{}, { apiKey: [] }]);
  for (const { operationId, security, responses } of operations) {
    const open = ['isAlive', 'isReady'].includes(operationId);
    assert.deepEqual(security, open ? [] : undefined, operationId);
    assert.equal('401' in responses, !open, operationId);
  }
});

test('answers and problems follow their schemas, without additional properties', async () => {
  const ajv = new Ajv2020({ strict: false });
  ajv.addSchema({ ...served, $id: 'document' });
  const closed = (value: unknown, name: string) => {
    const pointer = `document#/components/schemas/${name}`;
    const validate = ajv.compile({ $ref: pointer, unevaluatedProperties: false });
    assert.ok(validate(value), `${name}: ${ajv.errorsText(validate.errors)}`);
  };
  const [image] = await testImages(1);
  const png = image?.png ?? Buffer.alloc(0);
  closed(await (await classify(url, png, { topK: 3 })).json(), 'Prediction');
  closed(await (await classify(url, png, { topK: 0 })).json(), 'Problem');
  closed(await (await classifyBatch(url, [png, Buffer.from('no')])).json(), 'BatchResponse');
  closed(await (await fetch(`${url}/models`)).json(), 'ModelList');
  closed(await (await fetch(`${url}/models/tiny`)).json(), 'Model');
});

test('headers for clients are in the document and in the answers', async () => {
  const [image] = await testImages(1);
  const png = image?.png ?? Buffer.alloc(0);
  for (const [name, send, expected] of [
    ['classify', () => classify(url, png), ['x-request-id', 'x-exit-index', 'x-flops', 'server-timing']],
    ['classifyBatch', () => classifyBatch(url, [png]), ['x-request-id']],
  ] as const) {
    const admitted = classifier.admit(config.maxInFlight);
    const saturated = await send();
    admitted.leave();
    for (const [{ status, headers }, told] of [
      [await send(), expected],
      [saturated, ['retry-after']],
    ] as const) {
      const operation = operations.find(({ operationId }) => operationId === name);
      assert.deepEqual(Object.keys(operation?.responses[status]?.headers ?? {}), told);
      for (const header of told) assert.ok(headers.has(header), `${name} ${status} ${header}`);
    }
  }
});

test('Swagger UI is served unless it is switched off', async (t) => {
  const page = await fetch(`${url}/docs/`);
  assert.match(await page.text(), /swagger-ui/);
  const without = await startTestService(t, { config: { docs: false } });
  assert.equal((await fetch(`${without.url}/docs/`)).status, 404);
  assert.equal((await fetch(`${without.url}/openapi.json`)).status, 200);
});
