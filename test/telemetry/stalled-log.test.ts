// The server goes on and ends in time if nothing takes its log: a disk is full, or nobody reads. Lines are dropped and
// counted, no answer is lost, and when lines are taken again the log says how many are missing.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdirSync, openSync, readFileSync, readSync } from 'node:fs';
import { Agent } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { testImages } from '../support/packages/profiled-package.js';
import { scrape } from '../support/service/exposition.js';
import { classify, classifyOrRefused, rawClassify, sendRaw } from '../support/service/requests.js';
import { commandLine } from '../support/service/serve-process.js';
import { temporaryModels, until } from '../support/service/service.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** More than fit into any buffer: each request logs its id, of which a client may choose 128 characters. */
const REQUESTS = 6000;
const CONNECTIONS = 3;
const ID = 'x'.repeat(128);
/** More than fit into a pipe. */
const FILLING = REQUESTS / 10;
const SHUTDOWN_SECONDS = 5;

const [image] = await testImages(1);
const png = image?.png ?? Buffer.alloc(0);
const { models } = await temporaryModels();

/** A server with that standard output, on a port chosen here because nobody can read it from the log. */
async function startWith(
  t: TestContext,
  stdout: StdioOptions[number] & (number | 'pipe'),
  flags: readonly string[] = [],
) {
  const port = await freePort();
  const always = ['--host', '127.0.0.1', '--port', `${port}`, '--models', models, '--workers', '1'];
  const patience = ['--shutdown-timeout-seconds', `${SHUTDOWN_SECONDS}`];
  const child = spawn(process.execPath, [commandLine, 'serve', ...always, ...patience, ...flags], {
    stdio: ['ignore', stdout, 'inherit'],
  });
  t.after(async () => void child.kill('SIGKILL'));
  const url = `http://127.0.0.1:${port}`;
  await until(() =>
    fetch(`${url}/readyz`).then(
      ({ status }) => status === 200,
      () => false,
    ),
  );
  return { child, port, url, dropped: async () => (await scrape(url)).sum('rdi_log_lines_dropped_total') };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Many requests in a row on each connection; every one gets its answer. */
async function load(url: string, count = REQUESTS): Promise<void> {
  const one = `GET /models/none HTTP/1.1\r\nhost: a\r\nx-request-id: ${ID}\r\n`;
  const requests = `${one}\r\n`.repeat(count / CONNECTIONS - 1);
  const port = Number(new URL(url).port);
  const answers = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => sendRaw(port, `${requests}${one}connection: close\r\n\r\n`)),
  );
  assert.equal(answers.join('').split('HTTP/1.1 404 ').length - 1, count);
  assert.equal((await classify(url, png)).status, 200);
}

/** How the process ends, and after how many seconds. */
async function endOf(child: ChildProcess, ...signals: NodeJS.Signals[]) {
  const started = performance.now();
  for (const signal of signals) {
    child.kill(signal);
    await sleep(100);
  }
  const code = child.exitCode ?? ((await once(child, 'exit')) as [number])[0];
  return { code, seconds: (performance.now() - started) / 1000 };
}

/** A named pipe: one descriptor for the server, and another for reading, because Node makes the first one block. */
function openFifo(t: TestContext): { fifo: number; reader: number } {
  const path = join(temporaryFolder(), 'log');
  execFileSync('mkfifo', [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const fifo = openSync(path, constants.O_WRONLY);
  t.after(async () => {
    closeSync(fifo);
    closeSync(reader);
  });
  return { fifo, reader };
}

test('a disk without room: every answer arrives, and SIGTERM ends the process', async (t) => {
  const full = openSync('/dev/full', 'w');
  t.after(async () => closeSync(full));
  const { child, url, dropped } = await startWith(t, full);
  await load(url);
  assert.ok((await dropped()) > 0);
  const { code, seconds } = await endOf(child, 'SIGTERM');
  assert.equal(code, 0);
  assert.ok(seconds < SHUTDOWN_SECONDS, `${seconds}`);
});

test('a pipe that nobody reads, then somebody does: the log goes on, with the number of lines it lacks', async (t) => {
  const { fifo, reader } = openFifo(t);
  const { child, url, dropped } = await startWith(t, fifo);
  await load(url);
  const missing = await dropped();
  assert.ok(missing > 0);
  let text = '';
  const chunk = Buffer.alloc(65536);
  const readAll = (): void => {
    try {
      for (let read = 1; read > 0; text += chunk.toString('utf8', 0, read)) read = readSync(reader, chunk);
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN');
    }
  };
  await until(() => {
    readAll();
    return text.includes('"msg":"log lines dropped"');
  });
  assert.deepEqual(await endOf(child, 'SIGTERM').then(({ code }) => code), 0);
  readAll();
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { msg: string; lines?: number });
  assert.equal(lines.find(({ msg }) => msg === 'log lines dropped')?.lines, missing);
  assert.equal(lines.at(-1)?.msg, 'drained');
  const requests = lines.filter(({ msg }) => msg === 'request').length;
  assert.equal(requests + missing, REQUESTS + 1, 'each request has its line or is counted');
});

test('a pipe that nobody reads: a second signal ends the process at once', async (t) => {
  const { fifo } = openFifo(t);
  const { child, url } = await startWith(t, fifo, ['--drain-delay-seconds', '600']);
  await load(url, FILLING);
  child.kill('SIGTERM');
  await until(async () => (await fetch(`${url}/readyz`)).status === 503);
  const { code, seconds } = await endOf(child, 'SIGTERM');
  assert.equal(code, 1);
  assert.ok(seconds < SHUTDOWN_SECONDS, `${seconds}`);
});

test('a pipe that nobody reads, SIGTERM under load: every accepted request is answered', async (t) => {
  const { fifo } = openFifo(t);
  const { child, url, port } = await startWith(t, fifo);
  await load(url, FILLING);
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  t.after(async () => agent.destroy());
  let answered = 0;
  const clients = Array.from({ length: CONNECTIONS }, async () => {
    while (await classifyOrRefused(port, png, agent)) answered++;
  });
  await until(() => answered > 10 * CONNECTIONS);
  const { code, seconds } = await endOf(child, 'SIGTERM');
  await Promise.all(clients);
  assert.equal(code, 0);
  assert.ok(seconds < SHUTDOWN_SECONDS, `${seconds}`);
});

test('a pipe that nobody reads, and half a body: the shutdown timeout ends the process', async (t) => {
  const { fifo } = openFifo(t);
  const { child, url, port } = await startWith(t, fifo, ['--shutdown-timeout-seconds', '1']);
  await load(url, FILLING);
  const socket = connect(port, '127.0.0.1');
  t.after(async () => void socket.destroy());
  socket.on('error', () => {});
  const request = rawClassify(png);
  socket.write(request.subarray(0, request.length - png.length / 2));
  await until(async () => (await scrape(url)).sum('rdi_in_flight_bytes') > 0);
  const { code, seconds } = await endOf(child, 'SIGTERM');
  assert.equal(code, 1);
  assert.ok(seconds < SHUTDOWN_SECONDS, `${seconds}`);
});

test('a socket that nobody reads: the same', async (t) => {
  const { child, url, dropped } = await startWith(t, 'pipe'); // Node connects it by a socket
  child.stdout?.pause();
  await load(url);
  assert.ok((await dropped()) > 0);
  const { code, seconds } = await endOf(child, 'SIGTERM');
  assert.equal(code, 0);
  assert.ok(seconds < SHUTDOWN_SECONDS, `${seconds}`);
});

test('a file system of 16 KiB: the log is whole up to where it was full, and goes on when there is room', async (t) => {
  const folder = join(temporaryFolder(), 'small');
  mkdirSync(folder);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', folder], { stdio: 'pipe' });
  } catch (error) {
    // CI sets this; elsewhere tests need not run as root.
    if (process.env['RDI_REQUIRE_MOUNT']) throw error;
    t.skip('needs the right to mount a tmpfs');
    return;
  }
  const path = join(folder, 'log');
  const file = openSync(path, 'a');
  t.after(async () => {
    closeSync(file);
    execFileSync('umount', ['-l', folder]);
  });
  const { child, url, dropped } = await startWith(t, file);
  await load(url);
  const missing = await dropped();
  assert.ok(missing > 0);
  execFileSync('mount', ['-o', 'remount,size=64m', folder]);
  await until(() => readFileSync(path, 'utf8').includes('"msg":"log lines dropped"'));
  const { code, seconds } = await endOf(child, 'SIGTERM');
  assert.equal(code, 0);
  assert.ok(seconds < SHUTDOWN_SECONDS, `${seconds}`);
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  for (const line of lines) JSON.parse(line);
  assert.equal(lines.filter((line) => line.includes('"msg":"request"')).length + missing, REQUESTS + 1);
});
