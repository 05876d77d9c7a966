// The service's answers equal those of the whole network. The expected answers come from every exit's logits of the
// full graph, run in onnxruntime here, and an independent implementation of the exit policies. No stage runs after the
// exit taken.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Prediction } from '../../src/serving/prediction.js';
import { createDirector } from '../support/engines/directed-engine.js';
import { calibration, testImages, writeProfiledPackage } from '../support/packages/profiled-package.js';
import { runModel } from '../support/packages/run-model.js';
import { classifyBatch, predict } from '../support/service/requests.js';
import { startTestService } from '../support/service/service.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const COUNT = 256;
const CLASSES = 10;
const EXITS = 3;
/** Tolerance for single-precision sums in another order. */
const TOLERANCE = 1e-5;

const folder = temporaryFolder();
const director = createDirector({ after });
const { package: tiny } = await writeProfiledPackage(folder);
const { url, samples } = await startTestService(
  { after },
  { config: { models: folder, workers: 2 }, engineModule: director.engineModule },
);
const images = await testImages(COUNT, 2024);
const files = images.map(({ png }) => png);

/** [exit][image]: the softmax of the whole network's logits. */
const probabilities = await (async () => {
  const data = Float32Array.from(
    images.flatMap(({ pixels }) =>
      [0, 1, 2].flatMap((channel) =>
        Array.from({ length: 256 }, (_, pixel) => ((pixels[3 * pixel + channel] ?? 0) / 255 - 0.5) / 0.25),
      ),
    ),
  );
  const graph = await readFile(join(tiny.directory, 'model.onnx'));
  const output = await runModel(graph, { image: { dims: [COUNT, 3, 16, 16], data } });
  return Array.from({ length: EXITS }, (_, exit) =>
    images.map((__, image) => {
      const logits = [...(output[`logits_${exit}`]?.data ?? [])].slice(
        image * CLASSES,
        (image + 1) * CLASSES,
      );
      const weights = logits.map((logit) => Math.exp(logit));
      const sum = weights.reduce((total, weight) => total + weight, 0);
      return weights.map((weight) => weight / sum);
    }),
  );
})();

/** The exit that a policy takes and its score, computed from all exits' probabilities. */
function decide(profile: string, image: number): { exit: number; score: number | undefined } {
  const { policy, thresholds } = calibration.profiles[profile] ?? {
    policy: 'entropy',
    thresholds: [null, null],
  };
  const labels: number[] = [];
  for (let exit = 0; exit < EXITS; exit++) {
    const threshold = thresholds[exit] ?? null;
    const isFinal = exit === EXITS - 1;
    if (threshold === null && !isFinal) continue;
    const row = probabilities[exit]?.[image] ?? [];
    const [first = 0, second = 0] = [...row].sort((a, b) => b - a);
    labels.unshift(row.indexOf(first));
    const agreeing = labels.findIndex((label) => label !== labels[0]);
    const score = {
      entropy: -row.reduce((sum, p) => sum + p * Math.log(p), 0) / Math.log(CLASSES),
      'max-softmax': first,
      margin: first - second,
      patience: agreeing === -1 ? labels.length : agreeing,
    }[policy];
    if (isFinal) return { exit, score };
    if (threshold !== null && (policy === 'entropy' ? score < threshold : score >= threshold))
      return { exit, score };
  }
  throw new Error('unreachable');
}

function assertAsWhole(answer: Prediction | undefined, profile: string, image: number): void {
  assert.ok(answer);
  const { exit, score } = decide(profile, image);
  assert.equal(answer.exit.index, exit, `${profile}, image ${image}`);
  assert.ok(
    Math.abs(answer.exit.score - (score ?? 0)) < TOLERANCE,
    `score ${answer.exit.score}, not ${score}`,
  );
  const row = probabilities[exit]?.[image] ?? [];
  assert.equal(answer.top.length, CLASSES);
  for (const { classIndex, probability } of answer.top) {
    assert.ok(Math.abs(probability - (row[classIndex] ?? 0)) < TOLERANCE);
  }
  assert.equal(answer.classIndex, row.indexOf(Math.max(...row)));
}

/** All images as single requests, several at a time so that batches form. */
async function singles(profile: string): Promise<Prediction[]> {
  const answers: Prediction[] = [];
  for (let start = 0; start < COUNT; start += 32) {
    const part = files.slice(start, start + 32).map((png) => predict(url, png, { profile, topK: CLASSES }));
    answers.push(...(await Promise.all(part)));
  }
  return answers;
}

for (const profile of ['default', 'softmax', 'margin', 'patience', 'second-only', 'full']) {
  test(`${profile}: ${COUNT} answers, alone and in batches of 64, are those of the whole graph`, async () => {
    const [before, runsBefore] = [await samples(), (await director.runs()).length];
    const alone = await singles(profile);
    alone.forEach((answer, image) => {
      assertAsWhole(answer, profile, image);
    });
    const batched: (Prediction | undefined)[] = [];
    for (let start = 0; start < COUNT; start += 64) {
      const response = await classifyBatch(url, files.slice(start, start + 64), { profile, topK: CLASSES });
      const { results } = (await response.json()) as { results: { prediction?: Prediction }[] };
      batched.push(...results.map(({ prediction }) => prediction));
    }
    batched.forEach((answer, image) => {
      assertAsWhole(answer, profile, image);
    });

    // An image is counted in the run of every active exit up to the exit at which it left, and in no other run.
    const thresholds = calibration.profiles[profile]?.thresholds ?? [null, null];
    const answers = [...alone, ...batched];
    const runs = (await director.runs()).slice(runsBefore);
    const now = await samples();
    for (let stage = 0; stage < EXITS; stage++) {
      const isActive = stage === EXITS - 1 || thresholds[stage] !== null;
      const passing = answers.filter((answer) => answer && answer.exit.index >= stage).length;
      const expected = isActive ? passing : 0;
      const there = runs.filter(({ to }) => to === stage);
      assert.equal(
        there.reduce((sum, { batch }) => sum + batch, 0),
        expected,
        `engine, stage ${stage}`,
      );
      const grown = (name: string) => now.sum(name, { stage }) - before.sum(name, { stage });
      assert.equal(grown('rdi_batch_size_sum'), expected, `metrics, stage ${stage}`);
      assert.equal(grown('rdi_batch_size_count'), there.length);
      assert.equal(grown('rdi_stage_duration_seconds_count'), there.length);
    }
    assert.ok(
      runs.some(({ batch }) => batch > 1),
      'batches formed',
    );
    if (profile !== 'full') assert.ok(new Set(alone.map(({ exit }) => exit.index)).size > 1);
  });
}
