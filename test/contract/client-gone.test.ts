// Clients that disconnect: their images are dropped from the queue and between stages, and their places are given back.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createDirector } from '../support/engines/directed-engine.js';
import { testImages } from '../support/packages/profiled-package.js';
import { predict, rawClassify } from '../support/service/requests.js';
import { startTestService, until } from '../support/service/service.js';

const images = (await testImages(4)).map(({ png }) => png);
const [png = Buffer.alloc(0)] = images;

/** A service with one worker that is held during its first stage. */
async function heldService(t: TestContext) {
  const director = createDirector(t);
  const service = await startTestService(t, {
    engineModule: director.engineModule,
    config: { logProbes: true },
  });
  const { url, samples } = service;
  const warmUp = (await director.runs()).length;
  const runs = async () => (await director.runs()).slice(warmUp);
  const inFlight = async (count: number) => (await samples()).sum('rdi_in_flight') === count;
  const gone = async () => (await samples()).sum('rdi_rejections_total', { reason: 'client-gone' });
  await director.hold();

  /** A request through all exits, and a function that disconnects it. */
  const send = (path: string, body: Uint8Array | string, type: string) => {
    const controller = new AbortController();
    const headers = { 'content-type': type };
    const answer = fetch(url + path, { method: 'POST', body, headers, signal: controller.signal });
    answer.catch(() => {});
    return { answer, leave: () => controller.abort() };
  };
  const sendImage = () => send('/classify?profile=default', png, 'image/png');
  return { ...service, director, runs, inFlight, gone, send, sendImage };
}

test('an image whose client disconnects in the queue never reaches a worker', async (t) => {
  const { url, director, runs, inFlight, samples, gone, sendImage } = await heldService(t);
  const first = sendImage();
  await until(async () => (await runs()).length === 1);
  const others = [sendImage(), sendImage(), sendImage()];
  await until(async () => (await samples()).sum('rdi_queue_depth') === 3);
  others[0]?.leave();
  others[2]?.leave();
  await until(() => inFlight(2));
  await director.release();
  assert.equal((await first.answer).status, 200);
  assert.equal((await others[1]?.answer)?.status, 200);
  await assert.rejects(others[0]?.answer ?? Promise.resolve(), { name: 'AbortError' });
  const started = (await runs()).filter(({ from }) => from === -1);
  assert.deepEqual(started, [
    { from: -1, to: 0, batch: 1 },
    { from: -1, to: 0, batch: 1 },
  ]);
  await until(async () => (await gone()) === 2);
  await predict(url, png);
  assert.ok(await inFlight(0));
});

test('an image whose client disconnects during the first stage is dropped before the second', async (t) => {
  const { url, director, runs, inFlight, samples, gone, sendImage } = await heldService(t);
  const only = sendImage();
  await until(async () => (await runs()).length === 1);
  only.leave();
  await until(() => inFlight(0));
  await until(async () => (await gone()) === 1);
  await director.release();
  const { exit } = await predict(url, png);
  assert.ok(exit.index > 0, 'an image that would have continued');
  assert.equal(
    (await runs()).filter(({ from }) => from >= 0).length,
    exit.index,
    'only for the second request',
  );
  assert.equal((await samples()).sum('rdi_predictions_total'), 1);
});

test('a batch in the worker continues without the images whose clients have disconnected', async (t) => {
  const { director, runs, inFlight, samples, sendImage } = await heldService(t);
  const blocking = sendImage();
  await until(async () => (await runs()).length === 1);
  const sent = [sendImage(), sendImage(), sendImage()];
  await until(async () => (await samples()).sum('rdi_queue_depth') === 3);
  // The first image passes its two stages. The three images in the queue start together and are held again.
  await director.pass();
  await director.pass();
  await until(async () => (await runs()).some(({ batch }) => batch === 3));
  sent[1]?.leave();
  await until(() => inFlight(2));
  await director.release();
  assert.equal((await sent[0]?.answer)?.status, 200);
  assert.equal((await sent[2]?.answer)?.status, 200);
  assert.deepEqual((await runs()).slice(-2), [
    { from: -1, to: 0, batch: 3 },
    { from: 0, to: 1, batch: 2 },
  ]);
  assert.equal((await blocking.answer).status, 200);
});

test('a client that disconnects cancels its pipelined requests too', async (t) => {
  const { url, port, director, runs, inFlight, gone } = await heldService(t);
  const socket = connect(port, '127.0.0.1');
  socket.write(Buffer.concat(Array.from({ length: 4 }, () => rawClassify(png))));
  await until(async () => (await inFlight(4)) && (await runs()).length === 1);
  socket.destroy();
  await until(() => inFlight(0));
  assert.equal(await gone(), 4);
  await director.release();
  const { exit } = await predict(url, png, { profile: 'full' });
  assert.equal(exit.index, 2);
  assert.equal((await runs()).filter(({ from }) => from === -1).length, 2, 'the first, and the last');
});

test('a client that disconnects cancels its whole batch request', async (t) => {
  const { url, director, runs, inFlight, gone, send } = await heldService(t);
  const encoded = Array.from({ length: 20 }, () => png.toString('base64'));
  const batch = send('/classify/batch', JSON.stringify({ images: encoded }), 'application/json');
  await until(() => inFlight(20));
  batch.leave();
  await until(() => inFlight(0));
  assert.equal(await gone(), 20);
  await director.release();
  await predict(url, png);
  assert.ok((await runs()).filter(({ from }) => from === -1).length <= 2, 'the rest was never started');
});

test('each request is logged and timed once at its end: 499 if the client disconnected before that', async (t) => {
  const { url, port, log, director, inFlight, samples } = await heldService(t);
  const socket = connect(port, '127.0.0.1');
  const livez = Buffer.from('GET /livez HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(2));
  socket.write(Buffer.concat([rawClassify(png), rawClassify(png), livez]));
  const partial = connect(port, '127.0.0.1');
  await new Promise((resolve) => partial.write(rawClassify(png).subarray(0, -1), resolve));
  await until(() => inFlight(2));
  socket.destroy();
  partial.destroy();
  const requests = (route: string, status: number) =>
    log.filter((line) => line['msg'] === 'request' && line['route'] === route && line['status'] === status);
  await until(() => requests('/classify', 499).length >= 3);
  await director.release();
  await predict(url, png);
  await fetch(`${url}/livez`);

  const expected = [
    ['/classify', 499, 3],
    ['/livez', 499, 2],
    ['/classify', 200, 1],
    ['/livez', 200, 1],
  ] as const;
  await until(() => requests('/livez', 200).length === 1);
  const { sum } = await samples();
  for (const [route, status, count] of expected) {
    assert.equal(requests(route, status).length, count);
    assert.equal(sum('http_request_duration_seconds_count', { route, status }), count);
  }
  assert.ok(requests('/classify', 499).every(({ milliseconds }) => Number(milliseconds) > 0));
});
