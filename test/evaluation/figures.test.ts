import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../../src/evaluation/evaluate.js';
import { metricsDifferences } from '../../src/evaluation/metrics-agreement.js';
import { summarise } from '../../src/evaluation/summary.js';
import { wilsonInterval } from '../../src/evaluation/wilson.js';

const answer = (classIndex: number, exit: number): Answer => ({
  classIndex,
  exit,
  reason: exit === 1 ? 'final' : 'confident',
  flops: exit === 1 ? 100 : 30,
});
const model = {
  name: 'm',
  version: '1',
  engine: { name: 'onnx', device: 'cpu' },
  classes: ['a', 'b', 'c'],
  exits: ['exit-0', 'final'],
  profiles: ['fast', 'full'],
  certifiedFlops: new Map([['fast', 38]]),
  defaultProfile: 'fast',
  fullFlops: 80,
  files: undefined,
};
const results = [
  { profile: 'full', answers: [answer(0, 1), answer(1, 1), answer(2, 1), answer(0, 1)], seconds: 2 },
  { profile: 'fast', answers: [answer(0, 0), answer(2, 0), answer(2, 1), answer(1, 0)], seconds: 0.5 },
];
const truth = [0, 1, 2, 1];

test('Wilson intervals are those of the literature and stay inside [0, 1]', () => {
  // Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
  const round = (ends: readonly number[]) => ends.map((end) => end.toFixed(4));
  assert.deepEqual(round(wilsonInterval(81, 263)), ['0.2553', '0.3662']);
  assert.deepEqual(round(wilsonInterval(15, 148)), ['0.0624', '0.1605']);
  assert.deepEqual(round(wilsonInterval(0, 20)), ['0.0000', '0.1611']);
  assert.deepEqual(round(wilsonInterval(29, 29)), ['0.8830', '1.0000']);
});

test('the summary counts accuracy, agreement, cost and exits per profile', () => {
  const [full, fast] = summarise(model, results, truth);
  assert.ok(full && fast);
  assert.deepEqual([full.accuracy, full.agreementWithFull, full.accuracyLessFull], [0.75, 1, 0]);
  assert.deepEqual([full.executedFlops, full.shareOfBackbone, full.imagesPerSecond], [100, 1.25, 2]);
  assert.deepEqual([full.isDefault, fast.isDefault], [false, true]);
  // Right where the full network is wrong (image 3) and the other way round (image 1).
  assert.deepEqual([fast.accuracy, fast.agreementWithFull, fast.accuracyLessFull], [0.75, 0.5, 0]);
  assert.deepEqual([fast.executedFlops, fast.imagesPerSecond], [47.5, 8]);
  assert.deepEqual([full.shareOfCertified, fast.shareOfCertified], [null, 1.25]);
  assert.deepEqual(fast.exits, [
    { index: 0, name: 'exit-0', images: 3, share: 0.75, correct: 2, accuracy: 2 / 3 },
    { index: 1, name: 'final', images: 1, share: 0.25, correct: 1, accuracy: 1 },
  ]);
  assert.equal(full.exits[0]?.accuracy, null);
});

function metricsText(counts: Record<string, number>, flops: number, full: number): string {
  const owner = 'model="m",version="1"';
  const lines = Object.entries(counts).map(([labels, n]) => `rdi_predictions_total{${owner},${labels}} ${n}`);
  return [
    '# HELP rdi_predictions_total Images answered.',
    ...lines,
    'rdi_predictions_total{model="other",version="1",profile="fast",exit="0",reason="confident"} 99',
    `rdi_flops_total{${owner}} ${flops}`,
    `rdi_flops_full_total{${owner}} ${full}`,
    '',
  ].join('\n');
}
const finals = 'profile="full",exit="1",reason="final"';
const fastFinals = 'profile="fast",exit="1",reason="final"';
const confident = 'profile="fast",exit="0",reason="confident"';

test('metrics that grew by exactly the answers agree, whatever they counted before', () => {
  const before = metricsText({ [finals]: 7 }, 700, 560);
  const after = metricsText({ [finals]: 11, [fastFinals]: 1, [confident]: 3 }, 700 + 590, 560 + 640);
  assert.deepEqual(metricsDifferences(before, after, model, results), []);
});

test('one image or one FLOP more is named', () => {
  const before = metricsText({}, 0, 0);
  const counts = { [finals]: 4, [fastFinals]: 1, [confident]: 3 };
  assert.deepEqual(metricsDifferences(before, metricsText(counts, 591, 640), model, results), [
    'rdi_flops_total: the metrics grew by 591, the answers say 590',
  ]);
  const stray = { ...counts, [fastFinals]: 0, 'profile="fast",exit="1",reason="deadline"': 1 };
  assert.deepEqual(metricsDifferences(before, metricsText(stray, 590, 640), model, results), [
    'rdi_predictions_total{profile="fast",exit="1",reason="final"}: the metrics grew by 0, the answers say 1',
    'rdi_predictions_total{profile="fast",exit="1",reason="deadline"}: the metrics grew by 1, the answers say 0',
  ]);
});
