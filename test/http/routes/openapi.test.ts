// The OpenAPI document: the committed document equals the served one, its parts have names, and it describes the
// service's answers.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { createApiKey } from '../../../src/access/keys-file.js';
import { mediaTypes } from '../../../src/decoding/media-types.js';
import { failures } from '../../../src/foundation/errors.js';
import { classifyProblems } from '../../../src/http/routes/classify.js';
import { examples } from '../../../src/http/routes/examples.js';
import { namedSchemas } from '../../../src/http/schemas.js';
import { testImages } from '../../support/packages/profiled-package.js';
import { inferJson } from '../../support/service/inference.js';
import { classify, classifyBatch } from '../../support/service/requests.js';
import { startTestService } from '../../support/service/service.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

interface Operation {
  readonly operationId: string;
  readonly summary?: string;
  readonly tags: readonly string[];
  readonly security?: readonly object[];
  readonly responses: Record<string, Answer>;
  readonly requestBody?: Pick<Answer, 'content'>;
  readonly parameters?: readonly { name: string; schema: { type: string; format?: string } }[];
}
interface Answer {
  readonly description: string;
  readonly headers?: Record<string, object>;
  readonly content: Record<string, { schema: { $ref?: string; examples?: unknown[] } }>;
}
interface Document {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
  readonly security: readonly object[];
  readonly servers: readonly { url: string }[];
  readonly components: {
    readonly schemas: Record<string, { examples?: unknown[] }>;
    readonly securitySchemes?: object;
  };
}

const { url, classifier, config } = await startTestService({ after });
const open = (await (await fetch(`${url}/openapi.json`)).json()) as Document;
const apiKeysFile = join(temporaryFolder(), 'keys');
await writeFile(apiKeysFile, createApiKey('tests').line);
const locked = await startTestService({ after }, { config: { apiKeysFile } });
/** Of a server with API keys, as the committed one. */
const served = (await (await fetch(`${locked.url}/openapi.json`)).json()) as Document;
const operations = Object.values(served.paths).flatMap((path) => Object.values(path));

test('the committed document equals the served one but for the server’s address; `npm run openapi` updates it', async () => {
  const file = join(import.meta.dirname, '../../../../openapi/openapi.json');
  const { servers, ...rest } = JSON.parse(await readFile(file, 'utf8')) as Document;
  assert.deepEqual({ ...rest, servers: served.servers }, served);
  assert.deepEqual(
    servers.map((one) => one.url),
    ['http://localhost:8080'],
  );
});

test('every operation and every schema has its name for generated clients', () => {
  assert.equal(served.openapi, '3.1.0');
  const names = operations.map(({ operationId }) => operationId);
  assert.deepEqual(names.sort(), [
    'classify',
    'classifyBatch',
    'getMetrics',
    'getModel',
    'getModelConfiguration',
    'getModelConfigurationVersion',
    'getModelExample',
    'getModelMetadata',
    'getModelMetadataVersion',
    'getModelStatistics',
    'getModelStatisticsVersion',
    'getServerMetadata',
    'getSlowdown',
    'indexRepository',
    'infer',
    'inferVersion',
    'isAlive',
    'isModelReady',
    'isModelReadyVersion',
    'isReady',
    'isServerLive',
    'isServerReady',
    'listModels',
    'resetAudit',
    'resetSlowdown',
  ]);
  const schemas = namedSchemas.map((schema) => (schema as unknown as { $id: string }).$id);
  assert.deepEqual(Object.keys(served.components.schemas).sort(), schemas.sort());
  for (const { summary } of operations) assert.ok(summary);
  // openapi-generator's Go client declares an operation once for each of its tags, and does not compile.
  for (const { operationId, tags } of operations) assert.equal(tags.length, 1, operationId);
});

test('every failure of an operation is a problem document, and all possible failures are listed', () => {
  for (const [path, { responses, operationId }] of Object.entries(served.paths).flatMap(([path, methods]) =>
    Object.values(methods).map((operation) => [path, operation] as const),
  )) {
    // Clients of the Open Inference Protocol look for an error in JSON.
    const type = path.startsWith('/v2') ? 'application/json' : 'application/problem+json';
    for (const [status, { description, content }] of Object.entries(responses)) {
      assert.notEqual(description, 'Default Response', `${operationId} ${status}`);
      if (status !== '200') assert.deepEqual(Object.keys(content), [type]);
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
    const open = ['isAlive', 'isReady', 'isServerLive', 'isServerReady'].includes(operationId);
    assert.deepEqual(security, open ? [] : undefined, operationId);
    assert.equal('401' in responses, !open, operationId);
  }
});

test('a server without keys shows no padlocks; all else is the same', () => {
  const { security, components, ...rest } = served;
  const { securitySchemes, ...others } = components;
  assert.ok(securitySchemes && security);
  assert.deepEqual(open, { ...rest, components: others });
});

test('every operation has an example of its answer, and of its JSON body; examples follow their schemas', () => {
  const ajv = new Ajv2020({ strict: false, formats: { int64: true, double: true, byte: true } });
  ajv.addSchema({ ...served, $id: 'document' });
  const exampleOf = ({ content }: Pick<Answer, 'content'>): unknown => {
    const [schema = {}] = Object.values(content).map((one) => one.schema);
    const name = schema.$ref?.split('/').at(-1) ?? '';
    return (schema.examples ?? served.components.schemas[name]?.examples)?.[0];
  };
  for (const { operationId, responses, requestBody } of operations) {
    const answer = responses['200'] as Answer;
    const isImage = Object.keys(answer.content).every((type) => type.startsWith('image/'));
    assert.ok(isImage || exampleOf(answer), operationId);
    if (requestBody?.content['application/json']) assert.ok(exampleOf(requestBody), operationId);
  }
  for (const [name, example] of Object.entries(examples)) {
    assert.deepEqual(served.components.schemas[name]?.examples, [example], name);
    const validate = ajv.compile({ $ref: `document#/components/schemas/${name}` });
    assert.ok(validate(example), `${name}: ${ajv.errorsText(validate.errors)}`);
  }
});

/** What an integer without a format or a maximum is, by its name, and why it stays below 2³¹. */
const smallIntegers: Readonly<Record<string, string>> = {
  status: 'an HTTP status',
  index: 'an exit: a network has at most a few hundred',
  of: 'the number of exits',
  'x-exit-index': 'an exit',
  points: 'a path of thresholds has at most a few thousand',
  certified: 'a point of that path',
  rung: 'a profile',
  classIndex: 'a class: the labels are a list in memory',
  classification: 'a number of classes',
  tune: 'images of a data set, whose scores are held in memory',
  cal: 'images of a data set',
  referenceImages: 'images of a data set',
  height: 'the side of an image',
  width: 'the side of an image',
  channels: '1 or 3',
  workers: 'threads: at most --workers’ maximum',
  max_batch_size: 'at most --max-batch-images’ maximum',
  alarmed: 'at most --slowdown-clients’ maximum',
};

test('integers that can pass 2³¹ say so to generated clients: all but those that are known to be small', () => {
  const isInteger = (type: unknown) => [type].flat().includes('integer');
  const wide: string[] = [];
  const small = new Set<string>();
  const visit = (node: unknown, path: readonly string[]): void => {
    if (node === null || typeof node !== 'object') return;
    const { type, format, maximum } = node as { type?: unknown; format?: string; maximum?: number };
    if (isInteger(type)) {
      const name = path.findLast((part) => part !== 'schema' && part !== 'items') ?? '';
      if (format === 'int64') wide.push(name);
      else if (maximum === undefined || maximum >= 2 ** 31) {
        assert.ok(smallIntegers[name], `${path.join('/')} has neither a format nor a reason to be small`);
        small.add(name);
      }
    }
    for (const [key, value] of Object.entries(node)) {
      if (key !== 'examples') visit(value, [...path, nameOf(value) ?? key]);
    }
  };
  visit(served, []);
  assert.deepEqual(
    [...small].sort(),
    Object.keys(smallIntegers).sort(),
    'each of the list is in the document',
  );
  for (const name of [
    'maxFlops',
    'executed',
    'cumulative',
    'timeout',
    'seed',
    'shape',
    'dims',
    'retry-after',
  ]) {
    assert.ok(wide.includes(name), name);
  }
});

/** Of a parameter in a list of them. */
function nameOf(node: unknown): string | undefined {
  const { name, in: place } = (node ?? {}) as { name?: unknown; in?: unknown };
  return typeof name === 'string' && typeof place === 'string' ? name : undefined;
}

test('generated clients read numbers as 64-bit floats', () => {
  const numbers = [...JSON.stringify(served).matchAll(/\{"type":(?:"number"|\["number","null"\])[^{}]*\}/g)];
  assert.ok(numbers.length >= 20);
  for (const [schema] of numbers) assert.match(schema, /"format":"double"/);
});

test('each operation has one kind of body, and none a form: generators make other methods of that', () => {
  const [images, json] = [['application/octet-stream', ...mediaTypes], ['application/json']];
  for (const { operationId, requestBody } of operations) {
    const types = Object.keys(requestBody?.content ?? {});
    const taken = operationId.startsWith('infer') ? ['application/json', 'application/octet-stream'] : json;
    if (types.length > 0) assert.deepEqual(types, operationId === 'classify' ? images : taken, operationId);
  }
  assert.doesNotMatch(JSON.stringify(served), /multipart|x-www-form-urlencoded/);
});

test('only strings are enumerated: of anything else, the generated Java client does not compile', () => {
  const types: unknown[] = [];
  JSON.stringify(served, (_, node) => {
    if (Array.isArray(node?.enum)) types.push(node.type);
    return node;
  });
  assert.ok(types.length >= 8);
  assert.deepEqual([...new Set(types)], ['string']);
});

test('generated clients refuse unknown properties in what they send, not in what a later release answers', () => {
  const closed = Object.entries(served.components.schemas)
    .filter(([, schema]) => JSON.stringify(schema).includes('"additionalProperties":false'))
    .map(([name]) => name);
  assert.deepEqual(closed.sort(), ['AuditReset', 'BatchRequest', 'SlowdownReset']);
});

test('behind a path prefix, the document says it, and Swagger UI refers to everything relatively', async () => {
  const serverFor = async (prefix: string) => {
    const headers = { 'x-forwarded-prefix': prefix };
    const document = (await (await fetch(`${url}/openapi.json`, { headers })).json()) as Document;
    return document.servers[0]?.url;
  };
  assert.equal(await serverFor('/prefix'), '/prefix');
  for (const prefix of ['', '//elsewhere.org', 'https://elsewhere.org', '/a?b']) {
    assert.equal(await serverFor(prefix), '/');
  }
  const inUi = (await (await fetch(`${url}/docs/json`)).json()) as Document;
  assert.equal(new URL(inUi.servers[0]?.url ?? '', 'https://host/prefix/docs/json').pathname, '/prefix/');
  const redirect = await fetch(`${url}/docs`, { redirect: 'manual' });
  assert.equal(redirect.status, 302);
  const page = new URL(redirect.headers.get('location') ?? '', 'https://host/prefix/docs');
  assert.equal(page.pathname, '/prefix/docs/');
  const html = await (await fetch(`${url}/docs/`)).text();
  assert.match(html, /<title>rdi-serve<\/title>/);
  for (const [, file = ''] of html.matchAll(/(?:src|href)="([^"]+)"/g)) assert.match(file, /^\.\/static\//);
});

test('answers and problems follow their schemas, without additional properties', async () => {
  const ajv = new Ajv2020({ strict: false, formats: { int64: true, double: true, byte: true } });
  ajv.addSchema({ ...served, $id: 'document' });
  const closed = (value: unknown, name: string) => {
    const pointer = `document#/components/schemas/${name}`;
    const validate = ajv.compile({ $ref: pointer, unevaluatedProperties: false });
    assert.ok(validate(value), `${name}: ${ajv.errorsText(validate.errors)}`);
  };
  const [image] = await testImages(1);
  const png = image?.png ?? Buffer.alloc(0);
  closed(await (await classify(url, png, { topK: 3 })).json(), 'Prediction');
  closed(await (await classify(url, png, { explain: 'full' })).json(), 'Prediction');
  closed(await (await classify(url, png, { topK: 0 })).json(), 'Problem');
  closed(await (await classifyBatch(url, [png, Buffer.from('no')])).json(), 'BatchResponse');
  closed(await (await fetch(`${url}/models`)).json(), 'ModelList');
  closed(await (await fetch(`${url}/models/tiny`)).json(), 'Model');
  const answered = await inferJson(url, { datatype: 'BYTES', shape: [1] }, [png.toString('base64')]);
  closed(await answered.json(), 'InferenceResponse');
  closed(await (await fetch(`${url}/v2/models/other/ready`)).json(), 'Problem');
  for (const [path, name] of [
    ['', 'ModelMetadata'],
    ['/config', 'ModelConfiguration'],
    ['/stats', 'StatisticsList'],
  ])
    closed(await (await fetch(`${url}/v2/models/tiny${path}`)).json(), `${name}`);
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
      const documented = Object.keys(operation?.responses[status]?.headers ?? {});
      // A client without a budget gets no fields about it.
      assert.deepEqual(
        documented.filter((header) => !header.startsWith('ratelimit')),
        told,
      );
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
