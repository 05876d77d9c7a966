// Sends more large bodies at once than the server accepts: first all but the last byte of each, then the last bytes.
// Exit code 1 if memory grows too much, a body that fits is not answered, or another is not refused at once.
// Usage: node dist/bench/large-bodies.js [models folder] [connections]
import { connect } from 'node:net';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import { createConfig } from '../src/config/config.js';
import { positiveInteger } from '../src/foundation/numbers.js';
import { formatTable } from '../src/report/table.js';
import { sumOf } from '../src/telemetry/metrics-text.js';
import { insertPngChunks, pngChunk } from '../test/support/images/images.js';
import { reportPromises } from './load/promises.js';
import { startServer } from './load/server-process.js';

const [models = 'models', connectionsText = '100'] = process.argv.slice(2);
const CONNECTIONS = positiveInteger(connectionsText);
const MIB = 2 ** 20;
/** Allowed growth of memory in bytes, per byte that may be in flight. */
const GROWTH = 4.5;
const WATCH_MILLISECONDS = 250;
const ARRIVAL_MILLISECONDS = 10_000;
const PATIENCE_SECONDS = 120;

const { maxBytesInFlight, maxBatchBytes } = createConfig();
/** The size of a photograph. */
const IMAGE_BYTES = 10 * 2 ** 20;
const server = await startServer({
  models,
  workers: 2,
  requestTimeoutSeconds: PATIENCE_SECONDS,
  auditFraction: 0,
});
const port = Number(new URL(server.url).port);
const resident = async (): Promise<number> => sumOf(await server.metrics(), 'process_resident_memory_bytes');

let peak = 0;
const watch = setInterval(async () => {
  peak = Math.max(peak, await resident());
}, WATCH_MILLISECONDS);

/** An image of 16.8 megapixels in a file of `bytes` bytes. */
async function largeImage(bytes: number): Promise<Buffer> {
  const create = { width: 4096, height: 4096, channels: 3, background: 'teal' } as const;
  const png = await sharp({ create }).png().toBuffer();
  return insertPngChunks(png, 'IEND', pngChunk('prVt', Buffer.alloc(bytes - png.length - 12)));
}

/** @returns numbers of answers, and the highest memory before the last bytes (`arriving`) and overall (`peak`) */
async function attack(path: string, type: string, body: Buffer) {
  const head = `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n`;
  const statuses: string[] = [];
  const sockets = Array.from({ length: CONNECTIONS }, () => {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    socket.once('data', (data) => statuses.push(data.toString('latin1', 9, 12)));
    socket.write(head);
    socket.write(body.subarray(0, -1));
    return socket;
  });
  peak = 0;
  await sleep(ARRIVAL_MILLISECONDS);
  const [refused, arriving] = [statuses.length, peak];
  for (const socket of sockets) socket.write(body.subarray(-1));
  const end = performance.now() + 1000 * PATIENCE_SECONDS;
  while (statuses.length < CONNECTIONS && performance.now() < end) await sleep(WATCH_MILLISECONDS);
  await sleep(2 * WATCH_MILLISECONDS);
  for (const socket of sockets) socket.destroy();
  const answered = statuses.filter((status) => status === '200').length;
  const room = Math.min(CONNECTIONS, Math.floor(maxBytesInFlight / body.length));
  return { room, refused, answered, silent: CONNECTIONS - statuses.length, arriving, peak };
}

const rest = await resident();
const part = (await largeImage(Math.floor(maxBatchBytes / 4.1))).toString('base64');
const images = await attack('/classify', 'image/png', await largeImage(IMAGE_BYTES));
const batch = Buffer.from(JSON.stringify({ images: [part, part, part] }));
const batches = await attack('/classify/batch', 'application/json', batch);
clearInterval(watch);
await sleep(1000);
const left = sumOf(await server.metrics(), 'rdi_in_flight_bytes');
await server.stop();

const both = [images, batches];
const inMib = (bytes: number): number => Math.round(bytes / MIB);
process.stdout.write(
  formatTable(
    ['what:', 'images', 'batches'],
    [
      ['sent at once', CONNECTIONS, CONNECTIONS],
      ['answered', ...both.map(({ answered }) => answered)],
      ['refused before their last byte', ...both.map(({ refused }) => refused)],
      ['memory at rest, MiB', inMib(rest), ''],
      ['memory while they arrive, MiB', ...both.map(({ arriving }) => inMib(arriving))],
      ['memory at most, MiB', ...both.map(({ peak }) => inMib(peak))],
    ],
  ),
);
const highest = Math.max(images.peak, batches.peak);
reportPromises([
  ['as many as fit are answered', both.every(({ answered, room }) => answered === room), 'see above'],
  [
    'the others are refused at once',
    both.every(({ refused, room }) => refused === CONNECTIONS - room),
    'see above',
  ],
  ['no request without an answer', both.every(({ silent }) => silent === 0), 'see above'],
  ['no byte is in flight afterwards', left === 0, `${left} bytes`],
  [
    'memory is bounded',
    highest <= rest + GROWTH * maxBytesInFlight,
    `it grew by ${inMib(highest - rest)} MiB`,
  ],
]);
