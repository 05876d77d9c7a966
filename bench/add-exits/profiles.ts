// What a package's profiles answer in a second on one server, against its plain network (the profile `full`), with images
// of a data set: how many leave early depends on them.
// Usage: node dist/bench/add-exits/profiles.js <models folder> <model> <data> [seconds] [rounds]
import process from 'node:process';
import { openDataSet, takeEvenly } from '../../src/datasets/open-data-set.js';
import { FULL_PROFILE } from '../../src/format/profiles.js';
import { UsageError } from '../../src/foundation/errors.js';
import { positiveInteger, positiveNumber } from '../../src/foundation/numbers.js';
import { median } from '../../src/foundation/quantile.js';
import { findPackages } from '../../src/packages/repository.js';
import { formatTable } from '../../src/report/table.js';
import { startLoadClient } from '../load/load.js';
import { startServer } from '../load/server-process.js';

const [models = '', name = '', data = '', secondsText = '3', roundsText = '3'] = process.argv.slice(2);
const [seconds, rounds] = [positiveNumber(secondsText), positiveInteger(roundsText)];
const IMAGES = 500;
const CONNECTIONS = 32;

const { packages } = await findPackages(models);
const model = packages.findLast(({ manifest }) => manifest.name === name);
if (!model) throw new UsageError(`There is no model "${name}" in "${models}".`);
const profiles = [FULL_PROFILE, ...[...model.profiles.keys()].filter((profile) => profile !== FULL_PROFILE)];
const dataSet = await openDataSet(data, undefined, { labelled: false });
const samples = takeEvenly(dataSet.samples, Math.min(IMAGES, dataSet.samples.length));
const contentType = samples[0]?.mediaType ?? 'image/png';
if (samples.some(({ mediaType }) => mediaType !== contentType)) {
  throw new UsageError(`"${data}" has images of several formats; give images of one.`);
}
const images = await Promise.all(
  samples.map(async (sample) => Buffer.from(await sample.read()).toString('base64')),
);
dataSet.close();

const server = await startServer({ models, defaultModel: name, auditFraction: 0, reloadSeconds: 0 });
const client = startLoadClient();
const answered = async (profile: string): Promise<number> => {
  const url = `${server.url}/classify?profile=${profile}`;
  const extent = { seconds };
  const result = await client.apply({ url, images, contentType, connections: CONNECTIONS, extent });
  return (result.statuses['200'] ?? 0) / result.seconds;
};
const rates = new Map<string, number[]>(profiles.map((profile) => [profile, []]));
for (const profile of profiles) await answered(profile);
for (let round = 0; round < rounds; round++) {
  for (const profile of profiles) rates.get(profile)?.push(await answered(profile));
}
client.close();
await server.stop();

/** Median of the ratios within each round, because other load on the machine affects a whole round. */
const ratio = (own: readonly number[]): number =>
  median(own.map((rate, round) => rate / (rates.get(FULL_PROFILE)?.[round] ?? Number.NaN)));
process.stdout.write(
  formatTable(
    ['profile:', 'requests/s', 'against full'],
    [...rates].map(([profile, own]) => [profile, median(own).toFixed(0), `${ratio(own).toFixed(2)} ×`]),
  ),
);
