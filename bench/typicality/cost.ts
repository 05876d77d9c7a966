// What typicality costs: the CPU time of one image, as a share of the CPU time of a server's whole request with the default
// profile, in rounds that alternate. The golden images are sent to each model by several clients at once.
// Usage: node dist/bench/typicality/cost.js [requests in a round] [rounds] [models folder]
import process from 'node:process';
import { positiveInteger } from '../../src/foundation/numbers.js';
import { median } from '../../src/foundation/quantile.js';
import type { ModelPackage } from '../../src/packages/package.js';
import { findPackages } from '../../src/packages/repository.js';
import { formatTable, percent } from '../../src/report/table.js';
import { createTypicality } from '../../src/typicality/typicality.js';
import { goldenImages } from '../load/golden-images.js';
import { type LoadClient, startLoadClient } from '../load/load.js';
import { serverCosts } from '../load/server-costs.js';
import { startServer } from '../load/server-process.js';

const [requestsText = '500', roundsText = '5', models = 'models'] = process.argv.slice(2);
const [requests, rounds] = [positiveInteger(requestsText), positiveInteger(roundsText)];

/** At a time: under load a request costs less, so the share is larger. */
const CONNECTIONS = 16;

const client = startLoadClient();
const rows: string[][] = [];
for (const model of (await findPackages(models)).packages) {
  if (model.typicality) rows.push(await rowOf(model, client));
}
client.close();
process.stdout.write(
  formatTable(['model:', 'typicality, µs', 'request, µs of CPU', 'share', 'of rounds'], rows),
);

async function rowOf({ manifest, golden, typicality }: ModelPackage, client: LoadClient): Promise<string[]> {
  if (!typicality) return [];
  const { name } = manifest;
  const measure = createTypicality(typicality, manifest.input).measure;
  const pixels = golden.cases.map((one) => new Uint8Array(Buffer.from(one.pixels, 'base64')));
  const images = (await goldenImages(models, name)).images.map((image) => image.toString('base64'));
  const server = await startServer({ models, defaultModel: name, workers: 1, auditFraction: 0 });
  const job = { url: `${server.url}/classify`, images, connections: CONNECTIONS, extent: { requests } };
  await client.apply(job);
  ownSeconds(measure, pixels);
  const pairs: { own: number; request: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = await server.metrics();
    const { statuses } = await client.apply(job);
    const { cpuSeconds } = serverCosts(before, await server.metrics());
    pairs.push({ own: ownSeconds(measure, pixels), request: cpuSeconds / (statuses['200'] ?? 0) });
  }
  await server.stop();
  const shares = pairs.map(({ own, request }) => own / request);
  return [
    name,
    (1e6 * median(pairs.map(({ own }) => own))).toFixed(1),
    (1e6 * median(pairs.map(({ request }) => request))).toFixed(0),
    percent(median(shares), 2),
    `${percent(Math.min(...shares), 2)} – ${percent(Math.max(...shares), 2)}`,
  ];
}

/** CPU seconds of one image. */
function ownSeconds(measure: (pixels: Uint8Array) => unknown, pixels: readonly Uint8Array[]): number {
  const before = process.cpuUsage();
  for (let call = 0; call < requests; call++) for (const image of pixels) measure(image);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6 / requests / pixels.length;
}
