// The pages at / and /status: static files with a strict policy, cached, that say nothing about the server.
// test/browser/page.ts uses them in a browser.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createApiKey } from '../../../src/access/keys-file.js';
import { assertProblem } from '../../support/service/requests.js';
import { startTestService } from '../../support/service/service.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const { url } = await startTestService({ after });

/** What a page and its files refer to, as addresses from the server's root. */
async function filesOf(page: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const waiting = [page];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (found.has(path)) continue;
    const response = await fetch(url + path);
    assert.equal(response.status, 200, path);
    const text = await response.text();
    found.set(path, text);
    const references = path.endsWith('.js')
      ? text.matchAll(/from '(\.[^']+)'/g)
      : text.matchAll(/(?:src|href)="(page\/[^"]+)"/g);
    for (const [, reference = ''] of references) waiting.push(new URL(reference, url + path).pathname);
  }
  return found;
}

test('both pages and all their files are served, and are small', async () => {
  const files = new Map([...(await filesOf('/')), ...(await filesOf('/status'))]);
  assert.ok(files.size > 15, `only ${files.size} files`);
  const bytes = [...files.values()].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  assert.ok(bytes <= 150_000, `${bytes} bytes`);
  assert.match(files.get('/') ?? '', /Easy images leave early/);
});

test('nothing is loaded from elsewhere, and there is no inline script or style', async () => {
  for (const [path, text] of new Map([...(await filesOf('/')), ...(await filesOf('/status'))])) {
    const addresses = [...text.matchAll(/https?:\/\/[^\s'")]+/g)].map(([address]) => address);
    const named = ['http://yann.lecun.com/exdb/mnist/', 'http://www.w3.org/2000/svg'];
    assert.deepEqual(
      addresses.filter((address) => !named.includes(address)),
      [],
      path,
    );
    assert.doesNotMatch(
      text,
      /<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:|innerHTML|eval\(/,
      path,
    );
  }
});

test('the policy allows no inline script or style, no other origin and no frame', async () => {
  for (const path of ['/', '/status', '/page/main.js', '/page/base.css']) {
    const { headers } = await fetch(url + path);
    const policy = headers.get('content-security-policy') ?? '';
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe|https?:|\*/);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('referrer-policy'), 'no-referrer');
  }
});

test('a file that the client has is not sent again', async () => {
  for (const path of ['/', '/page/main.js']) {
    const { headers } = await fetch(url + path);
    const etag = headers.get('etag') ?? '';
    assert.match(etag, /^"[\w-]{22}"$/);
    assert.equal(headers.get('cache-control'), 'no-cache');
    const ask = (tag: string) => fetch(url + path, { headers: { 'if-none-match': tag } });
    for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const known = await ask(tag);
      assert.deepEqual([known.status, await known.text(), known.headers.get('etag')], [304, '', etag], tag);
    }
    assert.equal((await ask('"other"')).status, 200);
  }
});

test('the types are those of the files; other addresses do not exist', async () => {
  const typeOf = async (path: string) => (await fetch(url + path)).headers.get('content-type');
  assert.equal(await typeOf('/'), 'text/html; charset=utf-8');
  assert.equal(await typeOf('/page/base.css'), 'text/css; charset=utf-8');
  assert.equal(await typeOf('/page/main.js'), 'text/javascript; charset=utf-8');
  assert.equal(await typeOf('/page/icon.svg'), 'image/svg+xml');
  for (const path of [
    '/page',
    '/page/',
    '/page/index.html',
    '/page/.tsbuildinfo',
    '/page/..%2fsrc/server.js',
  ]) {
    await assertProblem(await fetch(url + path), 'not-found');
  }
});

test('switched off, there is no page', async (t) => {
  const without = await startTestService(t, { config: { page: false } });
  for (const path of ['/', '/status', '/page/main.js']) {
    await assertProblem(await fetch(without.url + path), 'not-found');
  }
});

test('with API keys the files are the same for everybody; what they show needs a key', async (t) => {
  const apiKeysFile = join(temporaryFolder(), 'keys');
  await writeFile(apiKeysFile, createApiKey('team').line);
  const guarded = await startTestService(t, { config: { apiKeysFile, docs: false } });
  for (const path of (await filesOf('/')).keys()) {
    const text = await (await fetch(guarded.url + path)).text();
    const open = await (await fetch(url + path)).text();
    // Without Swagger UI the page links to the document.
    assert.equal(text.replaceAll('openapi.json', 'docs/'), open.replaceAll('openapi.json', 'docs/'), path);
    assert.doesNotMatch(text, /tiny|exit-0|class 3/, 'nothing of what is served');
  }
  for (const path of ['/models', '/metrics', '/page/none.js']) {
    await assertProblem(await fetch(guarded.url + path), 'unauthorized');
  }
});
