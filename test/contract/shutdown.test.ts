// SIGTERM and SIGINT to a real process: accepted requests are answered, no client hangs, and the exit code is right.
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createDirector } from '../support/engines/directed-engine.js';
import { testImages, writeProfiledPackage } from '../support/packages/profiled-package.js';
import { scrape } from '../support/service/exposition.js';
import {
  assertProblem,
  classifyOrRefused,
  predict,
  rawClassify,
  sendRaw,
} from '../support/service/requests.js';
import { runNode, type ServeProcess, startProcess } from '../support/service/serve-process.js';
import { until } from '../support/service/service.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const CLIENTS = 24;
const [image] = await testImages(1);
const png = image?.png ?? Buffer.alloc(0);

async function modelsFolder(): Promise<string> {
  const models = temporaryFolder();
  await writeProfiledPackage(models);
  return models;
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} under load: every request on an open connection is answered, exit 0`, async (t) => {
    const server = await startProcess(t, await modelsFolder());
    const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
    t.after(async () => agent.destroy());
    let answered = 0;
    const clients = Array.from({ length: CLIENTS }, async () => {
      while (await classifyOrRefused(server.port, png, agent)) answered++;
    });
    await until(() => answered > 10 * CLIENTS);
    server.child.kill(signal);
    await Promise.all(clients);
    assert.deepEqual(await outcome(server), { code: 0, signal: null, stderr: '' });
    assert.equal(server.logged('request').filter(({ status }) => status === 200).length, answered);
    assert.deepEqual([server.logged('draining').length, server.logged('drained').length], [1, 1]);
  });
}

const npm = process.env['npm_execpath'];
test('`npm start` forwards SIGTERM', { skip: !npm && 'npm runs it in `npm test`' }, async (t) => {
  const script = [npm ?? '', 'start', '--ignore-scripts', '--silent', '--'];
  const server = await startProcess(t, await modelsFolder(), [], { script });
  server.child.kill('SIGTERM');
  assert.deepEqual(await outcome(server), { code: 0, signal: null, stderr: '' });
  assert.equal(server.logged('drained').length, 1);
});

test('during the drain delay the server is not ready but still accepts and answers requests', async (t) => {
  const server = await startProcess(t, await modelsFolder(), ['--drain-delay-seconds', '2']);
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
  server.child.kill('SIGTERM');
  await until(() => server.logged('draining').length === 1);
  await assertProblem(await fetch(`${server.url}/readyz`), 'shutting-down');
  assert.equal((await fetch(`${server.url}/livez`)).status, 200);
  await predict(server.url, png);
  assert.deepEqual(await outcome(server), { code: 0, signal: null, stderr: '' });
});

const directedScript = fileURLToPath(new URL('../support/engines/serve-directed.js', import.meta.url));

/** A server whose engine is controlled by the test. */
async function directedProcess(t: TestContext, flags: string[] = []) {
  const director = createDirector(t);
  const script = [directedScript];
  const environment = { RDI_TEST_ENGINE: director.engineModule };
  const server = await startProcess(t, await modelsFolder(), flags, { environment, script });
  return { server, director, warmUp: (await director.runs()).length };
}

test('after the signal, requests in worker and queue are answered; silent clients are not waited for', async (t) => {
  const { server, director, warmUp } = await directedProcess(t);
  const silent = connect(server.port, '127.0.0.1');
  const partial = connect(server.port, '127.0.0.1', () => partial.write('POST /classify HT'));
  for (const socket of [silent, partial]) socket.on('error', () => {});
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  t.after(async () => agent.destroy());
  await director.hold();
  const answers = Array.from({ length: CLIENTS }, () => classifyOrRefused(server.port, png, agent));
  // Images are admitted before they are decoded: only these together say that the worker is busy and others wait.
  await until(async () => {
    const { sum } = await scrape(server.url);
    const begun = (await director.runs()).length - warmUp;
    return begun > 0 && sum('rdi_in_flight') === CLIENTS && sum('rdi_queue_depth') > 0;
  });
  assert.equal((await director.runs()).length, warmUp + 1);
  server.child.kill('SIGTERM');
  await until(() => server.logged('draining').length === 1);
  await until(() => refusesConnections(server.port));
  await director.release();
  for (const answer of await Promise.all(answers)) assert.equal(answer?.model.name, 'tiny');
  assert.deepEqual(await outcome(server), { code: 0, signal: null, stderr: '' });
});

test('signals while models load: SIGHUP does not end the process, SIGTERM does when loading is done', async (t) => {
  const director = createDirector(t);
  await director.hold();
  const flags = ['--port', '0', '--models', await modelsFolder(), '--workers', '1'];
  const { child, ended } = runNode(t, [directedScript, ...flags], { RDI_TEST_ENGINE: director.engineModule });
  await until(async () => (await director.runs()).length === 1);
  child.kill('SIGHUP');
  child.kill('SIGTERM');
  await director.release();
  const { code, stdout } = await ended;
  assert.equal(code, 0);
  assert.doesNotMatch(stdout, /"msg":"ready"/);
  assert.match(stdout, /"signal":"SIGTERM".*"msg":"stopped before it was ready"/);
});

test('pipelined requests are all answered after the signal, on their connection', async (t) => {
  const { server, director } = await directedProcess(t);
  await director.hold();
  const answers = sendRaw(server.port, Buffer.concat(Array.from({ length: 3 }, () => rawClassify(png))));
  await until(async () => (await (await fetch(`${server.url}/metrics`)).text()).includes('rdi_in_flight 3'));
  server.child.kill('SIGTERM');
  await until(() => refusesConnections(server.port));
  await director.release();
  assert.equal((await answers).split('HTTP/1.1 200 OK').length - 1, 3);
  assert.deepEqual(await outcome(server), { code: 0, signal: null, stderr: '' });
});

test('the server does not wait for a disconnected client with pipelined requests', async (t) => {
  const { server, director } = await directedProcess(t, ['--shutdown-timeout-seconds', '5']);
  await director.hold();
  const socket = connect(server.port, '127.0.0.1');
  const livez = Buffer.from('GET /livez HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(5));
  socket.write(Buffer.concat([rawClassify(png), livez]));
  const inFlight = async (count: number) =>
    (await (await fetch(`${server.url}/metrics`)).text()).includes(`rdi_in_flight ${count}\n`);
  await until(() => inFlight(1));
  socket.destroy();
  await until(() => inFlight(0));
  server.child.kill('SIGTERM');
  await director.release();
  assert.deepEqual(await outcome(server), { code: 0, signal: null, stderr: '' });
});

test('the server does not wait for a client that does not read its answers', async (t) => {
  const server = await startProcess(t, await modelsFolder(), ['--shutdown-timeout-seconds', '8']);
  const socket = connect(server.port, '127.0.0.1');
  t.after(async () => void socket.destroy());
  socket.on('error', () => {});
  const path = '/docs/static/swagger-ui-bundle.js';
  socket.write(`GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`.repeat(12));
  await until(() => socket.readableLength > 0);
  server.child.kill('SIGTERM');
  assert.deepEqual(await outcome(server), { code: 0, signal: null, stderr: '' });
});

test('a second signal ends the process at once with exit code 1', async (t) => {
  const { server, director } = await directedProcess(t, ['--drain-delay-seconds', '600']);
  await director.hold();
  const abandoned = assert.rejects(predict(server.url, png));
  await until(async () => (await (await fetch(`${server.url}/metrics`)).text()).includes('rdi_in_flight 1'));
  server.child.kill('SIGTERM');
  await until(() => server.logged('draining').length === 1);
  server.child.kill('SIGINT');
  assert.equal((await outcome(server)).code, 1);
  await abandoned;
});

test('when the shutdown timeout passes before the requests end, the log says so and the exit code is 1', async (t) => {
  const { server, director } = await directedProcess(t, ['--shutdown-timeout-seconds', '1']);
  await director.hold();
  const abandoned = assert.rejects(predict(server.url, png));
  await until(async () => (await (await fetch(`${server.url}/metrics`)).text()).includes('rdi_in_flight 1'));
  server.child.kill('SIGTERM');
  assert.equal((await outcome(server)).code, 1);
  assert.equal(server.logged('requests were still running when patience ended').length, 1);
  await abandoned;
});

async function outcome(server: ServeProcess) {
  const { code, signal, stderr } = await server.ended;
  return { code, signal, stderr };
}

function refusesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', () => resolve(true));
  });
}
