// Large bodies over raw sockets: only as many are admitted as fit, even if they never arrive completely. The others are
// refused at once with 503. The bytes are given back at every end of a request.
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createDirector } from '../../support/engines/directed-engine.js';
import { insertPngChunks, pngChunk } from '../../support/images/images.js';
import { testImages } from '../../support/packages/profiled-package.js';
import { assertProblem, classify, classifyBatch, post, predict } from '../../support/service/requests.js';
import { startTestService, until } from '../../support/service/service.js';

const MIB = 1024 * 1024;
const LARGE = MIB;
/** Number of large bodies that fit, together with a few small ones. */
const FIT = 6;
const ROOM_BESIDE = 64 * 1024;

const [image] = await testImages(1);
const png = image?.png ?? Buffer.alloc(0);
const chunk = pngChunk('prVt', Buffer.alloc(LARGE - png.length - 12));
const largePng = insertPngChunks(png, 'IEND', chunk);
assert.equal(largePng.length, LARGE);
const base64 = png.toString('base64');
const largeBatch = Buffer.from(`{"images":["${base64}"]}`.padEnd(LARGE));

async function narrowService(t: TestContext, config = {}) {
  const sockets: Socket[] = [];
  // Before the service closes, because it waits for clients that are still sending.
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  const director = createDirector(t);
  const service = await startTestService(t, {
    engineModule: director.engineModule,
    config: {
      maxImageBytes: LARGE,
      maxBatchBytes: LARGE,
      maxBytesInFlight: FIT * LARGE + ROOM_BESIDE,
      ...config,
    },
  });
  const bytes = async () => (await service.samples()).sum('rdi_in_flight_bytes');
  const open = () => {
    const connection = openConnection(service.port);
    sockets.push(connection.socket);
    return connection;
  };
  /** Requests that have been sent except for the last byte. */
  const sent = (count: number, kind: Kind = 'image') =>
    Array.from({ length: count }, () => {
      const { body } = kinds[kind];
      const connection = open();
      connection.socket.write(Buffer.concat([Buffer.from(headOf(kinds[kind])), body.subarray(0, -1)]));
      return { ...connection, finish: () => connection.socket.write(body.subarray(-1)) };
    });
  return { ...service, director, bytes, open, sent, sockets };
}

const kinds = {
  image: { path: '/classify', type: 'image/png', body: largePng },
  batch: { path: '/classify/batch', type: 'application/json', body: largeBatch },
};
type Kind = keyof typeof kinds;

function headOf({ path, type, body }: (typeof kinds)[Kind]): string {
  return `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n`;
}

interface Connection {
  readonly socket: Socket;
  received(): string;
}

function openConnection(port: number): Connection {
  const socket = connect(port, '127.0.0.1');
  let received = '';
  socket.setEncoding('latin1');
  socket.on('error', () => {}); // the server may close the connection while the client still sends
  socket.on('data', (text: string) => {
    received += text;
  });
  return { socket, received: () => received };
}

const isSaturated = ({ received }: Connection): boolean =>
  /^HTTP\/1\.1 503 .*\r\nretry-after: 1\r\n.*problem:saturated/is.test(received());
const isAnswered = ({ received }: Connection): boolean => received().startsWith('HTTP/1.1 200 ');

for (const kind of ['image', 'batch'] as const) {
  test(`slow large bodies (${kind}): as many as fit are admitted, and small images too`, async (t) => {
    const { url, samples, bytes, sent } = await narrowService(t);
    const all = sent(5 * FIT, kind);
    await until(() => all.filter(isSaturated).length === 4 * FIT);
    const accepted = all.filter((one) => !isSaturated(one));
    assert.equal(await bytes(), FIT * LARGE);
    assert.equal((await samples()).sum('rdi_in_flight_bytes_limit'), FIT * LARGE + ROOM_BESIDE);
    assert.equal((await samples()).sum('rdi_in_flight'), 0);
    for (let small = 0; small < 20; small++) await predict(url, png);
    await Promise.all(Array.from({ length: 20 }, () => predict(url, png)));
    assert.equal((await fetch(`${url}/livez`)).status, 200);

    for (const { finish } of accepted) finish();
    await until(() => accepted.every(isAnswered));
    assert.equal(await bytes(), 0);
    assert.equal((await samples()).sum('rdi_rejections_total', { reason: 'saturated' }), 4 * FIT);
  });
}

test('the body of a refused request is dropped, and its connection stays usable', async (t) => {
  const { url, bytes, sent } = await narrowService(t);
  const first = sent(FIT);
  await until(async () => (await bytes()) === FIT * LARGE);
  const [refused] = sent(1);
  await until(() => refused !== undefined && isSaturated(refused));
  await assertProblem(await classify(url, largePng), 'saturated');
  await assertProblem(await post(`${url}/classify/batch`, largeBatch, 'application/json'), 'saturated');
  for (const { socket } of first) socket.destroy();
  await until(async () => (await bytes()) === 0);
  refused?.finish();
  refused?.socket.write(Buffer.concat([Buffer.from(headOf(kinds.image)), largePng]));
  await until(() => /HTTP\/1\.1 200 /.test(refused?.received() ?? ''));
});

test('bytes are given back if a client disconnects during its body or is too slow', async (t) => {
  const { url, bytes, sent, samples } = await narrowService(t, { requestTimeoutSeconds: 2 });
  for (const kind of ['image', 'batch', 'image'] as const) {
    const clients = sent(FIT, kind);
    await until(async () => (await bytes()) === FIT * LARGE);
    for (const { socket } of clients) socket.destroy();
    await until(async () => (await bytes()) === 0);
  }
  assert.equal((await samples()).sum('rdi_rejections_total', { reason: 'client-gone' }), 3 * FIT);
  const slow = sent(FIT);
  await until(() => slow.every(({ received }) => received().startsWith('HTTP/1.1 408 ')));
  await until(async () => (await bytes()) === 0);
  await Promise.all(Array.from({ length: FIT }, () => predict(url, largePng)));
});

test('bytes are given back with every problem answer', async (t) => {
  const { url, bytes } = await narrowService(t);
  const noImage = Buffer.alloc(LARGE);
  const batch = `${url}/classify/batch`;
  const json = 'application/json';
  for (let round = 0; round < 2 * FIT; round++) {
    await assertProblem(await classify(url, noImage), 'undecodable-image');
    await assertProblem(await classify(url, largePng, { topK: 0 }), 'invalid-query');
    await assertProblem(await classify(url, largePng, { model: 'none' }), 'unknown-model');
    await assertProblem(await post(`${url}/classify`, largePng, 'text/plain'), 'unsupported-media-type');
    await assertProblem(await classify(url, Buffer.alloc(LARGE + 1)), 'body-too-large');
    await assertProblem(await post(`${url}/classify`, undefined, 'image/png'), 'invalid-body');
    await assertProblem(await post(batch, noImage, json), 'invalid-body');
    await assertProblem(await post(batch, '{"images":[]}'.padEnd(LARGE), json), 'invalid-body');
    assert.equal((await classifyBatch(url, [Buffer.from('no image')])).status, 200);
    assert.equal(await bytes(), 0);
  }
});

test('a chunked body counts as much as has arrived until it is answered; a body announced as too large counts 0', async (t) => {
  const { url, bytes, open, sent } = await narrowService(t);
  const head =
    'POST /classify HTTP/1.1\r\nhost: a\r\ncontent-type: image/png\r\ntransfer-encoding: chunked\r\n\r\n';
  const chunkOf = (data: Uint8Array) =>
    Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')]);
  const chunked = [chunkOf(png), chunkOf(largePng)].map((first) => {
    const connection = open();
    connection.socket.write(Buffer.concat([Buffer.from(head), first]));
    return connection;
  });
  await until(async () => (await bytes()) === png.length + LARGE);
  sent(FIT - 1);
  await until(async () => (await bytes()) === png.length + FIT * LARGE);
  await assertProblem(await classify(url, largePng), 'saturated');
  const third = open();
  third.socket.write(Buffer.concat([Buffer.from(head), chunkOf(largePng)]));
  await until(() => isSaturated(third));
  await assertProblem(await classify(url, Buffer.alloc(LARGE + 1)), 'body-too-large');

  chunked[0]?.socket.write('0\r\n\r\n');
  chunked[1]?.socket.write(chunkOf(Buffer.alloc(1)));
  await until(() => chunked[0] !== undefined && isAnswered(chunked[0]));
  await until(() => chunked[1]?.received().startsWith('HTTP/1.1 413 ') === true);
  assert.equal(await bytes(), (FIT - 1) * LARGE);
});

test('many small chunked bodies are in flight at once', async (t) => {
  const { director, bytes, open, samples } = await narrowService(t);
  await director.hold();
  const head =
    'POST /classify HTTP/1.1\r\nhost: a\r\ncontent-type: image/png\r\ntransfer-encoding: chunked\r\n\r\n';
  const uploads = Array.from({ length: 5 * FIT }, open);
  for (const { socket } of uploads) {
    socket.write(`${head}${png.length.toString(16)}\r\n`);
    socket.write(png);
    socket.write('\r\n0\r\n\r\n');
  }
  await until(async () => (await samples()).sum('rdi_in_flight') === uploads.length);
  assert.equal(await bytes(), uploads.length * png.length);
  await director.release();
  await until(() => uploads.every(isAnswered));
});

test('bytes of pipelined requests on a broken connection are given back when their processing ends', async (t) => {
  const { url, director, bytes, open, samples } = await narrowService(t);
  await director.hold();
  const { socket } = open();
  const whole = Buffer.concat([Buffer.from(headOf(kinds.image)), largePng]);
  socket.write(Buffer.concat([whole, whole, whole.subarray(0, -1)]));
  await until(async () => (await bytes()) === 3 * LARGE && (await samples()).sum('rdi_in_flight') === 2);
  socket.destroy();
  await until(async () => (await bytes()) < 3 * LARGE);
  await director.release();
  await until(async () => (await bytes()) === 0);
  await Promise.all(Array.from({ length: FIT }, () => predict(url, largePng)));
  assert.equal(await bytes(), 0);
});

test('a client that disconnects while its image waits holds neither place nor bytes', async (t) => {
  const { director, bytes, samples, sent } = await narrowService(t);
  await director.hold();
  const clients = sent(FIT);
  for (const { finish } of clients) finish();
  await until(async () => (await samples()).sum('rdi_in_flight') === FIT);
  assert.equal(await bytes(), FIT * LARGE);
  for (const { socket } of clients) socket.destroy();
  await until(async () => (await bytes()) === 0);
  assert.equal((await samples()).sum('rdi_in_flight'), 0);
});

test('bytes are given back if a client sends invalid HTTP while its image is processed', async (t) => {
  const { director, bytes, open, samples } = await narrowService(t);
  await director.hold();
  const { socket, received } = open();
  socket.write(Buffer.concat([Buffer.from(headOf(kinds.image)), largePng]));
  await until(async () => (await samples()).sum('rdi_in_flight') === 1);
  socket.write('GARBAGE\r\n\r\n');
  await until(() => received().startsWith('HTTP/1.1 400 '));
  await until(async () => (await bytes()) === 0);
  assert.equal((await samples()).sum('rdi_in_flight'), 0);
});

test('an answer that the client does not read holds no bytes', async (t) => {
  const { app, bytes, sent, sockets, samples } = await narrowService(t);
  app.server.once('connection', (socket) => {
    sockets.push(socket);
    socket.cork();
    t.mock.method(socket, 'uncork', () => {});
  });
  const [client] = sent(1);
  await until(() => sockets.length === 2);
  client?.finish();
  await until(async () => (await samples()).sum('rdi_predictions_total') === 1);
  await until(async () => (await bytes()) === 0);
  assert.equal(client?.received(), '');
  const ended = (await samples()).sum('http_request_duration_seconds_count', { route: '/classify' });
  assert.equal(ended, 0, 'the answer is still on its way');
});

test('bodies of routes without images have a small limit', async (t) => {
  const { url } = await narrowService(t, { operatorRoutes: true });
  const reset = `${url}/models/tiny/versions/1/profiles/default/audit/reset`;
  const body = JSON.stringify({ reason: 'x'.repeat(64 * 1024) });
  await assertProblem(await post(reset, body, 'application/json'), 'body-too-large');
});
