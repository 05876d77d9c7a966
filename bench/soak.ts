// Sends a hundred thousand requests. Exit code 1 if memory grows after the warm-up, or a request is not answered or not
// counted.
// Usage: node dist/bench/soak.js [models folder] [model] [requests] [engine]
import process from 'node:process';
import { positiveInteger } from '../src/foundation/numbers.js';
import { formatTable } from '../src/report/table.js';
import { sumOf } from '../src/telemetry/metrics-text.js';
import { goldenImages } from './load/golden-images.js';
import { startLoadClient } from './load/load.js';
import { reportPromises } from './load/promises.js';
import { startServer } from './load/server-process.js';

const [models = 'models', model, requestsText = '100000', engine = 'auto'] = process.argv.slice(2);
const BLOCKS = 10;
/** The heap and the compiled code reach their final size in these blocks. */
const WARM_UP_BLOCKS = 2;
const MIB = 2 ** 20;
/** Growth of mean memory that garbage collection alone can cause. */
const TOLERANCE = 0.05;

const requests = Math.ceil(positiveInteger(requestsText) / BLOCKS);
const { name, images } = await goldenImages(models, model);
const base64 = images.map((image) => image.toString('base64'));
const server = await startServer({ models, defaultModel: name, engine, auditFraction: 0 });
const client = startLoadClient();
const blocks: { requests: number; answered: number; memory: number; heap: number }[] = [];
for (let block = 0; block < BLOCKS; block++) {
  const { statuses } = await client.apply({
    url: `${server.url}/classify`,
    images: base64,
    connections: 32,
    extent: { requests },
  });
  const metrics = await server.metrics();
  blocks.push({
    requests: (block + 1) * requests,
    answered: statuses['200'] ?? 0,
    memory: sumOf(metrics, 'process_resident_memory_bytes'),
    heap: sumOf(metrics, 'nodejs_heap_size_used_bytes'),
  });
}
const counted = sumOf(await server.metrics(), 'rdi_predictions_total');
client.close();
await server.stop();

process.stdout.write(
  formatTable(
    ['requests', 'answered', 'memory, MiB', 'heap in use, MiB'],
    blocks.map((one) => [
      one.requests,
      one.answered,
      (one.memory / MIB).toFixed(1),
      (one.heap / MIB).toFixed(1),
    ]),
  ),
);
const mean = (some: readonly { memory: number }[]): number =>
  some.reduce((sum, { memory }) => sum + memory, 0) / some.length;
const warm = blocks.slice(WARM_UP_BLOCKS);
const third = Math.floor(warm.length / 3);
const growth = mean(warm.slice(-third)) / mean(warm.slice(0, third)) - 1;
const answered = blocks.reduce((sum, one) => sum + one.answered, 0);
reportPromises([
  ['every request was answered', answered === BLOCKS * requests, `${answered} of ${BLOCKS * requests}`],
  ['every answer was counted', counted === answered, `${counted} of ${answered}`],
  ['memory is flat after the warm-up', growth <= TOLERANCE, `it grew by ${(100 * growth).toFixed(1)} %`],
]);
