// How often a certificate of add-exits would be wrong: recorded scores are split at random again and again. One half gets
// thresholds and certificates as in add-exits; the other half tells how many answers they change.
// Usage: node dist/bench/add-exits/resplits.js <models folder> <model> <scores of add-exits --scores> [resplits] [profile]
import process from 'node:process';
import { certifyProfiles } from '../../src/add-exits/certify-profiles.js';
import { limitsOf } from '../../src/add-exits/refresh/older-version.js';
import { createExitTable, selectImages } from '../../src/calibration/scores/exit-table.js';
import { lossesOf, sum } from '../../src/calibration/scores/losses.js';
import type { Recording } from '../../src/calibration/scores/recording.js';
import { exitsTaken } from '../../src/calibration/scores/replay.js';
import { readScores } from '../../src/calibration/scores/scores-file.js';
import type { Policy } from '../../src/format/profiles.js';
import { UsageError } from '../../src/foundation/errors.js';
import { positiveInteger } from '../../src/foundation/numbers.js';
import { createUniform, shuffledIndices } from '../../src/foundation/random.js';
import { findPackages } from '../../src/packages/repository.js';
import { formatTable, megaflops, percent } from '../../src/report/table.js';

const [models = '', name = '', file = '', resplitsText = '200', only] = process.argv.slice(2);
const resplits = positiveInteger(resplitsText);
const { packages } = await findPackages(models);
const model = packages.findLast(({ manifest }) => manifest.name === name);
if (!model) throw new UsageError(`There is no model "${name}" in "${models}".`);
const recording = await scoresOf(file);

const tables = new Map(
  (['margin', 'max-softmax', 'entropy'] as Policy[]).map((policy) => [
    policy,
    createExitTable(recording, policy),
  ]),
);
const counts = limitsOf(model)
  .filter((limit) => only === undefined || limit.name === only)
  .map((limit) => ({ limit, certified: 0, violated: 0, flops: 0 }));
for (let seed = 1; seed <= resplits; seed++) {
  const order = shuffledIndices(recording.images, createUniform(seed));
  const half = Math.floor(recording.images / 2);
  const limits = counts.map(({ limit }) => limit);
  const profiles = certifyProfiles(partOf(order.subarray(0, half)), model.manifest, limits, seed);
  const others = order.subarray(half);
  for (const [index, { epsilon, profile }] of profiles.entries()) {
    const [count, table] = [counts[index], profile && tables.get(profile.policy)];
    if (!count || !profile?.certificate || !table) continue;
    const apart = selectImages(table, others);
    const changed = sum(lossesOf('consistency', apart, exitsTaken(apart, profile.thresholds)));
    count.certified++;
    count.violated += Number(changed / others.length > epsilon);
    count.flops += profile.certificate.flops.mean;
  }
}

process.stdout.write(
  formatTable(
    ['profile:', 'answers changed', 'certified', 'more on the other half', 'δ + 2 standard errors', 'MFLOPs'],
    counts.map(({ limit: { name: profile, epsilon, delta }, certified, violated, flops }) => [
      profile,
      `≤ ${percent(epsilon)}`,
      `${certified} of ${resplits}`,
      violated,
      Math.floor(resplits * (delta + 2 * Math.sqrt((delta * (1 - delta)) / resplits))),
      megaflops(flops / certified, 1),
    ]),
  ),
);

async function scoresOf(path: string): Promise<Recording> {
  const scores = await readScores(path);
  if (!scores) throw new UsageError(`There is no file of scores "${path}".`);
  return scores;
}

function partOf(images: Uint32Array): Recording {
  const width = recording.exits * recording.classes;
  const logits = new Float32Array(images.length * width);
  images.forEach((image, place) => {
    logits.set(recording.logits.subarray(image * width, (image + 1) * width), place * width);
  });
  const { truth: _, ...rest } = recording;
  return { ...rest, images: images.length, logits };
}
