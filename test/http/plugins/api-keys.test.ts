// API keys: a request without a valid key gets 401 without further information, before the body is read. A request with
// a key is served, and the log names its client. Keys never appear in the log.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createApiKey, digestOf, readKeysFile } from '../../../src/access/keys-file.js';
import { UsageError } from '../../../src/foundation/errors.js';
import { testImages } from '../../support/packages/profiled-package.js';
import { assertProblem, post } from '../../support/service/requests.js';
import { commandLine, runNode, startProcess } from '../../support/service/serve-process.js';
import { startTestService, temporaryModels, until } from '../../support/service/service.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const folder = temporaryFolder();
const [first, second, removed] = ['team-a', 'team-b', 'team-c'].map(createApiKey);
const apiKeysFile = join(folder, 'keys');
await writeFile(apiKeysFile, `# two teams\n${first?.line}\n\n${second?.line}\r\n`);
const service = await startTestService({ after }, { config: { apiKeysFile, logLevel: 'trace' } });
const { url, log } = service;
const [image] = await testImages(1);
const png = image?.png ?? Buffer.alloc(0);
const bearer = (key = '') => ({ authorization: `Bearer ${key}` });

const wrong: [string, Record<string, string>][] = [
  ['none', {}],
  ['an unknown one', bearer(removed?.key)],
  ['an empty one', bearer()],
  ['part of one', bearer(first?.key.slice(0, -1))],
  ['more than one', bearer(`${first?.key} ${second?.key}`)],
  ['its digest', bearer(first?.line.split(':')[1])],
  ['another scheme', { authorization: `Basic ${Buffer.from(`a:${first?.key}`).toString('base64')}` }],
  ['another header', { 'x-api-key': first?.key ?? '' }],
];

for (const [name, headers] of wrong) {
  test(`with ${name}: 401, the same for every address, known or not`, async () => {
    const details = new Set<string>();
    const addresses = [
      '/classify',
      '/classify/batch',
      '/models',
      '/models/tiny',
      '/metrics',
      '/no',
      '/v1/models',
    ];
    for (const address of addresses) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        const response = await fetch(url + address, { method, headers });
        assert.equal(response.headers.get('www-authenticate'), 'Bearer realm="rdi-serve"');
        assert.equal(response.headers.get('allow'), null);
        details.add((await assertProblem(response, 'unauthorized')).detail);
      }
    }
    assert.deepEqual([...details], ['Send a valid API key: Authorization: Bearer <key>.']);
    await assertProblem(await post(`${url}/classify`, png, 'image/png', headers), 'unauthorized');
  });
}

test('the answer comes before the body', async (t) => {
  const socket = connect(service.port, '127.0.0.1');
  t.after(async () => void socket.destroy());
  socket.write(
    'POST /classify HTTP/1.1\r\nhost: a\r\ncontent-type: image/png\r\ncontent-length: 1000000\r\n\r\n',
  );
  const answer = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
  assert.match(answer.toString(), /^HTTP\/1\.1 401 Unauthorized\r\n/);
});

test('with a key requests are served as usual, and the log names the client', async () => {
  for (const [owner, key] of [
    ['team-a', first?.key],
    ['team-b', second?.key],
  ] as const) {
    const response = await post(`${url}/classify`, png, 'image/png', bearer(key));
    assert.equal(response.status, 200);
    const requestId = response.headers.get('x-request-id');
    await until(() => log.some((line) => line['requestId'] === requestId && line['client'] === owner));
  }
  for (const address of ['/models', '/models/tiny', '/metrics']) {
    assert.equal((await fetch(url + address, { headers: bearer(first?.key) })).status, 200, address);
  }
  await assertProblem(await fetch(`${url}/no`, { headers: bearer(first?.key) }), 'not-found');
});

test('probes and the documentation need no key', async () => {
  for (const address of ['/livez', '/readyz', '/openapi.json', '/docs/', '/docs/static/swagger-ui.css']) {
    assert.equal((await fetch(url + address)).status, 200, address);
  }
});

test('neither a key nor a digest is ever logged', () => {
  const text = JSON.stringify(log);
  assert.match(text, /"status":401/);
  for (const one of [first, second, removed]) {
    assert.ok(one && !text.includes(one.key));
    assert.ok(!text.includes(one.line.split(':')[1] ?? ''));
  }
  assert.doesNotMatch(text, /rdi_[\w-]{20}|authorization/i);
});

test('rdi-serve api-key makes keys that the server accepts', async (t) => {
  const { models } = await temporaryModels();
  const file = join(models, '..', `${Date.now()}-keys`);
  const made = [];
  for (const client of ['one', 'two']) {
    const { code, stdout } = await runNode(t, [commandLine, 'api-key', client, '--file', file]).ended;
    assert.equal(code, 0);
    made.push(stdout.trim());
  }
  const text = await readFile(file, 'utf8');
  assert.match(text, /^one sha256:[0-9a-f]{64}\ntwo sha256:[0-9a-f]{64}\n$/);
  for (const key of made) {
    assert.match(key, /^rdi_[\w-]{43}$/);
    assert.ok(!text.includes(key));
  }
  const server = await startProcess(t, models, [], { environment: { RDI_API_KEYS_FILE: file } });
  const status = async (key?: string) =>
    (await fetch(`${server.url}/models`, { headers: bearer(key) })).status;
  assert.deepEqual([await status(), await status(made[0]), await status(made[1])], [401, 200, 200]);
});

test('rdi-serve api-key completes a last line without newline; an unwritable file is an error', async (t) => {
  const file = join(folder, 'unended');
  await writeFile(file, first?.line ?? '');
  const make = (path: string) => runNode(t, [commandLine, 'api-key', 'two', '--file', path]).ended;
  const { stdout } = await make(file);
  const { keys } = await readKeysFile(file);
  assert.deepEqual(keys, [
    { owner: 'team-a', digest: digestOf(first?.key ?? '') },
    { owner: 'two', digest: digestOf(stdout.trim()) },
  ]);

  const refused = await make(join(folder, 'missing', 'keys'));
  assert.deepEqual([refused.code, refused.stdout], [1, '']);
  assert.match(refused.stderr, /^rdi-serve: The API keys file cannot be written: ENOENT.*\n$/);
});

test('a keys file that is missing, empty or has a key instead of a digest stops the start', async () => {
  const file = join(folder, 'bad');
  const cases: [string, RegExp][] = [
    ['', /has no API key; rdi-serve api-key makes one\.$/],
    ['# nobody\n\n', /has no API key/],
    [
      `${first?.line}\nteam-c ${removed?.key}\n`,
      /bad, line 2 is neither "<client> sha256:<64 hexadecimal digits>" nor "<client> <setting>=<number> …"\.$/,
    ],
    ['team-a sha256:abc\n', /line 1/],
  ];
  for (const [text, message] of cases) {
    await writeFile(file, text);
    await assert.rejects(readKeysFile(file), (error) => {
      assert.ok(error instanceof UsageError && message.test(error.message), String(error));
      return !error.message.includes(removed?.key ?? '');
    });
  }
  await assert.rejects(
    readKeysFile(join(folder, 'absent')),
    /^UsageError: The API keys file cannot be read: .*ENOENT/,
  );
  assert.throws(() => createApiKey('two words'), UsageError);
});
