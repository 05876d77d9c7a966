// Security headers for browsers: headers on every answer, the documentation's own policy, and CORS only if configured.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createApiKey } from '../../../src/access/keys-file.js';
import { createConfig } from '../../../src/config/config.js';
import { testImages } from '../../support/packages/profiled-package.js';
import { classify } from '../../support/service/requests.js';
import { startTestService } from '../../support/service/service.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const { url } = await startTestService({ after });
const [image] = await testImages(1);
const png = image?.png ?? Buffer.alloc(0);
const origin = 'https://app.example';
const preflight = (address: string, from: string) =>
  fetch(address, {
    method: 'OPTIONS',
    headers: {
      origin: from,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,authorization',
    },
  });

test('every answer forbids content sniffing and scripts', async () => {
  const answers = [
    await classify(url, png),
    await classify(url, png, { topK: 0 }),
    ...(await Promise.all(
      ['/models', '/metrics', '/livez', '/no', '/models/%zz'].map((path) => fetch(url + path)),
    )),
  ];
  for (const { headers } of answers) {
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('content-security-policy'), "default-src 'none'; frame-ancestors 'none'");
    assert.equal(headers.get('x-powered-by'), null);
    assert.equal(headers.get('server'), null);
  }
});

test('the documentation runs only its own scripts, and not in a frame', async () => {
  const { headers } = await fetch(`${url}/docs/`);
  const policy = headers.get('content-security-policy') ?? '';
  assert.match(policy, /default-src 'self';/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /https?:|script-src|unsafe-eval/);
});

test('CORS is off by default: no answer allows another origin, and OPTIONS is an ordinary method', async () => {
  const response = await fetch(`${url}/models`, { headers: { origin } });
  assert.equal(response.headers.get('access-control-allow-origin'), null);
  assert.equal((await preflight(`${url}/classify`, origin)).status, 405);
});

test('named origins may call, others may not; a preflight needs no API key', async (t) => {
  const apiKeysFile = join(temporaryFolder(), 'keys');
  const { key, line } = createApiKey('page');
  await writeFile(apiKeysFile, line);
  const corsOrigins = `${origin}, http://localhost:3000/, capacitor://localhost`;
  const open = await startTestService(t, { config: { corsOrigins, apiKeysFile } });
  for (const from of [origin, 'http://localhost:3000', 'capacitor://localhost']) {
    const { status, headers } = await preflight(`${open.url}/classify`, from);
    assert.equal(status, 204);
    assert.equal(headers.get('access-control-allow-origin'), from);
    assert.match(headers.get('access-control-allow-headers') ?? '', /authorization, content-type/);
    assert.match(headers.get('vary') ?? '', /origin/i);
    const sent = { origin: from, authorization: `Bearer ${key}` };
    const listed = await fetch(`${open.url}/models`, { headers: sent });
    assert.equal(listed.status, 200);
    assert.equal(listed.headers.get('access-control-allow-origin'), from);
    assert.match(listed.headers.get('access-control-expose-headers') ?? '', /x-exit-index/);
    // A page can also read the problem of a refused request.
    const refused = await fetch(`${open.url}/models`, { headers: { origin: from } });
    assert.deepEqual([refused.status, refused.headers.get('access-control-allow-origin')], [401, from]);
  }
  for (const from of ['https://app.example.evil', 'https://evil', 'null', 'http://app.example']) {
    const { headers } = await preflight(`${open.url}/classify`, from);
    assert.equal(headers.get('access-control-allow-origin'), null, from);
  }
});

test('* allows every origin; an invalid origin is a usage error', async (t) => {
  const open = await startTestService(t, { config: { corsOrigins: '*' } });
  const { headers } = await fetch(`${open.url}/models`, { headers: { origin: 'https://any' } });
  assert.equal(headers.get('access-control-allow-origin'), '*');
  for (const corsOrigins of ['app.example', 'https://a/path', 'https://a b', '**', ',']) {
    assert.throws(() => createConfig({ corsOrigins }), /--cors-origins \(RDI_CORS_ORIGINS\) cannot be/);
  }
});
