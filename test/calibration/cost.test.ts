import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flopsCost, meanCost, timeCost } from '../../src/calibration/cost.js';
import { measureSegments } from '../../src/calibration/segment-times.js';
import { createEngine } from '../../src/engines/onnx.js';
import type { ManifestExit } from '../../src/format/manifest.js';
import { everySegment } from '../../src/packages/every-segment.js';
import { testImages, writeProfiledPackage } from '../support/packages/profiled-package.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const exits = [100, 200, 300].map((stage, index): ManifestExit => {
  return { name: `exit-${index}`, logits: '', flops: { stage, head: index === 2 ? 0 : 10, cumulative: 0 } };
});

test('an exit costs every segment up to it; exits that are off cost nothing', () => {
  const secondsOf = (from: number, to: number): number => 10 ** (to - from);
  assert.deepEqual(timeCost(exits, secondsOf)([0.1, 0.1]), [10, 20, 30]);
  assert.deepEqual(timeCost(exits, secondsOf)([null, 0.1]), [0, 100, 110]);
  assert.deepEqual(timeCost(exits, secondsOf)([null, null]), [0, 0, 1000]);
  assert.deepEqual(flopsCost(exits)([0.1, null]), [110, 0, 610]);
  assert.equal(meanCost([0.5, 0.25, 0.25], [10, 20, 40]), 20);
});

test('every segment of a package is measured, also those that no profile uses', async () => {
  const { package: made } = await writeProfiledPackage(temporaryFolder());
  const ranges: string[] = [];
  for await (const group of everySegment(made))
    ranges.push(group.map(({ from, to }) => `${from}>${to}`).join(' '));
  assert.deepEqual(ranges, ['-1>0 -1>1 -1>2', '0>1 0>2', '1>2']);
  const pixels = (await testImages(3)).map((image) => image.pixels);
  const secondsOf = await measureSegments(createEngine(), made, pixels);
  for (const range of ranges.join(' ').split(' ')) {
    const [from, to] = range.split('>').map(Number) as [number, number];
    assert.ok(secondsOf(from, to) > 0 && secondsOf(from, to) < 1, range);
  }
  assert.throws(() => secondsOf(1, 0), /bug in rdi-serve/);
});
