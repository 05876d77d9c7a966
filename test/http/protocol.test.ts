// Invalid and unusual HTTP over raw sockets: unknown routes, wrong methods, bodies that are too long or never end, and
// malformed requests. Each gets its answer, and the service continues.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import type { FailureType } from '../../src/foundation/errors.js';
import type { Problem } from '../../src/http/problems.js';
import { testImages } from '../support/packages/profiled-package.js';
import {
  assertProblem,
  assertProblemBody,
  classify,
  predict,
  rawClassify,
  sendRaw,
} from '../support/service/requests.js';
import { startTestService, until } from '../support/service/service.js';

const service = await startTestService({ after }, { config: { maxImageBytes: 100_000 } });
const { url, port, connections } = service;
const [image] = await testImages(1);
const png = image?.png ?? Buffer.alloc(0);

/** Asserts that a raw answer is a problem document and closes the connection. @returns the request's id */
function assertRawProblem(answer: string, type: FailureType, status: string): string {
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  const [line, ...rest] = head.split('\r\n');
  const headers = new Headers(rest.map((header) => header.split(': ', 2) as [string, string]));
  assert.equal(line, `HTTP/1.1 ${status}`, answer);
  assert.match(headers.get('content-type') ?? '', /^application\/problem\+json\b/);
  assert.equal(headers.get('connection'), 'close');
  assert.equal(headers.get('x-content-type-options'), 'nosniff');
  assert.equal(headers.get('content-security-policy'), "default-src 'none'; frame-ancestors 'none'");
  const problem = JSON.parse(body) as Problem;
  assertProblemBody(problem, type);
  const { requestId = '' } = problem;
  assert.ok(requestId);
  assert.equal(headers.get('x-request-id'), requestId);
  return requestId;
}

/** All log lines of the request's end. */
function logged(requestId: string, log = service.log): Record<string, unknown>[] {
  return log.filter(({ msg, requestId: id }) => msg === 'request' && id === requestId);
}

test('an unknown address is 404, whatever is sent to it', async () => {
  const bodies = [undefined, '{"not": json', 'text', Buffer.alloc(50_000_000)];
  for (const path of ['/home', '/Classify', '/v1/models', '/classify/batch/1', '/%2e%2e/etc/passwd']) {
    for (const body of bodies.slice(0, 3)) {
      const sent = { method: 'POST', headers: { 'content-type': 'application/json' }, ...(body && { body }) };
      await assertProblem(await fetch(url + path, sent), 'not-found');
    }
    await assertProblem(await fetch(url + path), 'not-found');
  }
  const large = { method: 'POST', body: bodies[3] as Buffer };
  await assertProblem(await fetch(`${url}/nowhere`, large), 'not-found');
  await assertProblem(await fetch(`${url}/models/${'a'.repeat(300)}`), 'not-found');
});

test('superfluous slashes are 404, with the right address', async () => {
  for (const [path, right] of [
    ['//classify', '/classify'],
    ['/classify/', '/classify'],
    ['/models//tiny/', '/models/tiny'],
  ] as const) {
    const { detail } = await assertProblem(
      await fetch(url + path, { method: 'POST', body: png }),
      'not-found',
    );
    assert.match(detail, new RegExp(`ask for ${right}\\.$`));
  }
});

test('an unsupported method is 405 and names the supported ones, whatever is sent', async () => {
  const routes = {
    '/classify': 'POST',
    '/classify/batch': 'POST',
    '/models': 'GET, HEAD',
    '/models/tiny': 'GET, HEAD',
    '/livez': 'GET, HEAD',
    '/readyz': 'GET, HEAD',
    '/metrics': 'GET, HEAD',
  };
  for (const [path, allow] of Object.entries(routes)) {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      if (allow.split(', ').includes(method)) continue;
      const body = method === 'GET' ? undefined : '{"not": json';
      const response = await fetch(url + path, { method, ...(body && { body }) });
      assert.equal(response.headers.get('allow'), allow);
      await assertProblem(response, 'method-not-allowed');
    }
    const trace = await sendRaw(port, `TRACE ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
    assertRawProblem(trace, 'method-not-allowed', '405 Method Not Allowed');
    for (const method of ['PROPFIND', 'PURGE', 'M-SEARCH', 'SEARCH']) {
      const other = await sendRaw(port, `${method} ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
      assert.match(other, new RegExp(`\r\nallow: ${allow}\r\n`));
      assertRawProblem(other, 'method-not-allowed', '405 Method Not Allowed');
    }
  }
  const unknown = await sendRaw(port, 'PROPFIND /nowhere HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
  assertRawProblem(unknown, 'not-found', '404 Not Found');
  const coffee = await sendRaw(port, 'BREW /classify HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
  assertRawProblem(coffee, 'malformed-request', '400 Bad Request');
  const tunnel = await sendRaw(port, 'CONNECT example.org:443 HTTP/1.1\r\nhost: a\r\n\r\n');
  assertRawProblem(tunnel, 'method-not-allowed', '405 Method Not Allowed');
});

test('what Node would refuse without a problem: no Host is 400, an unknown expectation 417', async () => {
  const close = 'connection: close\r\n\r\n';
  const noHost = await sendRaw(port, `GET /livez HTTP/1.1\r\n${close}`);
  assertRawProblem(noHost, 'malformed-request', '400 Bad Request');
  assert.match(await sendRaw(port, 'GET /livez HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 /, 'HTTP/1.0 needs none');
  const expectation = await sendRaw(port, `GET /livez HTTP/1.1\r\nhost: a\r\nexpect: a miracle\r\n${close}`);
  assertRawProblem(expectation, 'expectation-failed', '417 Expectation Failed');
});

test('a whole request followed by the end of the client’s side is answered', async () => {
  const whole = rawClassify(png);
  for (const bytes of [whole, Buffer.concat([whole, whole])]) {
    const received = await sendAndEnd(bytes);
    const answers = received.split('HTTP/1.1 200 OK\r\n').length - 1;
    assert.equal(answers, bytes.length / whole.length, received);
  }
  const old = Buffer.from(whole.toString('latin1').replace('HTTP/1.1', 'HTTP/1.0'), 'latin1');
  assert.match(await sendAndEnd(old), /^HTTP\/1\.1 200 OK\r\n/, 'no interim answer for HTTP/1.0');
});

/** Sends bytes, ends this side, and @returns all that came back until the server ended the connection */
function sendAndEnd(bytes: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let received = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text;
    });
    socket.on('error', reject).on('close', () => resolve(received));
    socket.end(bytes);
  });
}

test('the refusal of a body that is still arriving reaches a client whose connection then closes', async () => {
  const length = 30_000_000;
  for (const head of [
    `POST /classify HTTP/1.0\r\ncontent-type: image/png\r\n`,
    `POST /classify HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: image/png\r\n`,
    `POST /nowhere HTTP/1.1\r\nhost: a\r\nconnection: close\r\n`,
    `POST /classify HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: text/plain\r\n`,
  ]) {
    const request = Buffer.concat([
      Buffer.from(`${head}content-length: ${length}\r\n\r\n`),
      Buffer.alloc(length),
    ]);
    for (let time = 0; time < 5; time++) {
      // A connection that is reset while the client sends rejects.
      assert.match(await sendRaw(port, request), /^HTTP\/1\.1 (413|404|415) .*"status":\1/s);
    }
  }
});

test('a refused body that never ends does not hold the connection for ever', async (t) => {
  const impatient = await startTestService(t, { config: { requestTimeoutSeconds: 1 } });
  const head = 'POST /nowhere HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 9\r\n\r\n';
  const socket = connect({ port: impatient.port, host: '127.0.0.1', allowHalfOpen: true });
  socket.on('error', () => {}).resume();
  socket.write(head);
  await until(async () => (await impatient.connections()) === 1);
  await until(async () => (await impatient.connections()) === 0);
  socket.destroy();
});

test('a body over the limit is refused, and the answer arrives, for announced lengths and for chunks', async () => {
  const chunk = new Uint8Array(64 * 1024);
  for (const chunks of [2, 20, 200]) {
    let left = chunks;
    const body = new ReadableStream({
      pull: (controller) => (left-- > 0 ? controller.enqueue(chunk) : controller.close()),
    });
    const headers = { 'content-type': 'image/png' };
    const streamed = await fetch(`${url}/classify`, { method: 'POST', headers, body, duplex: 'half' });
    await assertProblem(streamed, 'body-too-large');
    await assertProblem(await classify(url, Buffer.alloc(chunks * chunk.length)), 'body-too-large');
  }
});

/** Number of problems of each type so far. */
async function rejections(from = service): Promise<Record<string, number>> {
  const counted = (await from.samples()).all.filter(
    ({ name, value }) => name === 'rdi_rejections_total' && value > 0,
  );
  return Object.fromEntries(counted.map(({ labels, value }) => [labels['reason'], value]));
}

test('invalid or malformed HTTP is 400; too large headers are 431; the connection is closed', async () => {
  const before = await rejections();
  const head = 'POST /classify HTTP/1.1\r\nhost: a\r\ncontent-type: image/png\r\n';
  const malformed = [
    'GARBAGE\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    'GET /livez HTTP/9.9\r\n\r\n',
    'GET /livez HTTP/1.1\r\nhost : a\r\n\r\n',
    `${head}content-length: many\r\n\r\n`,
    `${head}content-length: -1\r\n\r\n`,
    `${head}content-length: 1\r\ncontent-length: 2\r\n\r\n`,
    `${head}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\nabc`,
    `${head}transfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n`,
  ];
  for (const bytes of malformed) {
    const id = assertRawProblem(await sendRaw(port, bytes), 'malformed-request', '400 Bad Request');
    await until(() => logged(id).length > 0);
    assert.deepEqual(
      logged(id).map(({ status }) => status),
      [400],
    );
  }
  const long = 'x'.repeat(20_000);
  for (const bytes of [
    `GET /${long} HTTP/1.1\r\n\r\n`,
    `GET / HTTP/1.1\r\nhost: a\r\nlong: ${long}\r\n\r\n`,
  ]) {
    const status = '431 Request Header Fields Too Large';
    assertRawProblem(await sendRaw(port, bytes), 'headers-too-large', status);
  }
  await assertProblem(await fetch(`${url}/models/%zz`), 'malformed-request');
  assert.deepEqual(await rejections(), {
    ...before,
    'malformed-request': (before['malformed-request'] ?? 0) + malformed.length + 1,
    'headers-too-large': 2,
  });
});

test('a URL that the router cannot parse is logged and measured like every other request', async () => {
  const unmatched = async () =>
    (await service.samples()).sum('http_request_duration_seconds_count', { route: 'unmatched' });
  for (const [path, status] of [
    ['/models/%zz', 400],
    [`/models/${'x'.repeat(300)}`, 404],
  ] as const) {
    const [before, lines] = [await unmatched(), service.log.length];
    assert.equal((await fetch(url + path)).status, status);
    const isNoted = ({ msg, status: logged }: Record<string, unknown>) =>
      msg === 'request' && logged === status;
    await until(() => service.log.slice(lines).some(isNoted));
    assert.equal((await unmatched()) - before, 1);
  }
});

test('a client that never ends its side does not hold the connection for ever', async (t) => {
  const before = await connections();
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  t.after(async () => void socket.destroy());
  socket.on('error', () => {}).resume();
  socket.write('GARBAGE\r\n\r\n');
  await new Promise((resolve) => socket.once('end', resolve));
  await until(async () => (await connections()) <= before);
});

test('a request that does not arrive in time is 408', async (t) => {
  const impatient = await startTestService(t, { config: { requestTimeoutSeconds: 1 } });
  const head =
    'POST /classify HTTP/1.1\r\nhost: a\r\nx-request-id: late\r\ncontent-type: image/png\r\ncontent-length: 9\r\n\r\n';
  const parts = [`${head}abc`, head.slice(0, 40)];
  const answers = await Promise.all(parts.map((part) => sendRaw(impatient.port, part)));
  const ids = answers.map((answer) => assertRawProblem(answer, 'request-timeout', '408 Request Timeout'));
  assert.equal(ids[0], 'late', 'a request that had begun keeps its own id');
  for (const [id, expected] of [
    ['late', '/classify'],
    [ids[1] ?? '', undefined],
  ] as const) {
    await until(() => logged(id, impatient.log).length > 0);
    assert.deepEqual(
      logged(id, impatient.log).map(({ route, status }) => [route, status]),
      [[expected, 408]],
    );
  }
  assert.deepEqual(await rejections(impatient), { 'request-timeout': 2 });
  const labels = { route: '/classify' };
  assert.equal((await impatient.samples()).sum('http_request_duration_seconds_count', labels), 1);
});

test('a connection without a request is closed in time, and is no problem', async (t) => {
  const impatient = await startTestService(t, { config: { requestTimeoutSeconds: 1 } });
  assert.equal(await sendRaw(impatient.port, ''), '');
  assert.deepEqual(await rejections(impatient), {});
  assert.deepEqual(
    impatient.log.filter(({ msg }) => msg === 'request'),
    [],
  );
});

test('answered probes and scrapes are logged only if that is wanted', async (t) => {
  for (const logProbes of [false, true]) {
    const { url: other, log } = await startTestService(t, { config: { logProbes } });
    for (const path of ['/livez', '/readyz', '/metrics', '/models']) await fetch(other + path);
    const routes = () => log.filter(({ msg }) => msg === 'request').map(({ route }) => route);
    await until(() => routes().includes('/models'));
    assert.deepEqual(routes(), logProbes ? ['/livez', '/readyz', '/metrics', '/models'] : ['/models']);
  }
});

test('an idle connection stays open for the configured time', async (t) => {
  const { port: other } = await startTestService(t, { config: { keepAliveTimeoutSeconds: 1 } });
  const received = await sendRaw(other, 'GET /livez HTTP/1.1\r\nhost: a\r\n\r\n');
  assert.match(received, /\r\nkeep-alive: timeout=1\r\n/i);
});

test('a client that disconnects during a body leaves no state behind', async () => {
  const head = 'POST /classify HTTP/1.1\r\nhost: a\r\ncontent-type: image/png\r\ncontent-length: 9\r\n\r\n';
  const gone = async () => (await service.samples()).sum('rdi_rejections_total', { reason: 'client-gone' });
  const before = await gone();
  for (let client = 0; client < 3; client++) {
    const socket = connect(port, '127.0.0.1');
    await new Promise((resolve) => socket.write(`${head}abc`, resolve));
    socket.destroy();
  }
  await until(async () => (await gone()) === before + 3);
});

test('100-continue is supported, and a refusal does not wait for the body', async () => {
  const head = (length: number) =>
    `POST /classify HTTP/1.1\r\nhost: a\r\nconnection: close\r\nexpect: 100-continue\r\n` +
    `content-type: image/png\r\ncontent-length: ${length}\r\n\r\n`;
  const accepted = await sendRaw(port, Buffer.concat([Buffer.from(head(png.length)), png]));
  assert.match(accepted, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
  const refused = await sendRaw(port, head(20_000_000));
  assert.match(refused, /\r\n\r\nHTTP\/1\.1 413 /);
});

test('after all of these the service works as before, also on keep-alive connections', async () => {
  for (let again = 0; again < 3; again++) {
    await assertProblem(await classify(url, Buffer.alloc(100_001)), 'body-too-large');
    await predict(url, png);
  }
  const scraped = await service.samples();
  assert.equal(scraped.sum('rdi_in_flight'), 0);
  assert.equal(scraped.sum('rdi_rejections_total', { reason: 'internal-error' }), 0);
  assert.ok(!service.log.some(({ level }) => Number(level) >= 50), 'no error in the log');
});
