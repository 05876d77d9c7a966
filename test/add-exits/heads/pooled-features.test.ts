// The features of an exit, computed by the engine, against means taken by hand: grids, channels last, tokens.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { featureForm } from '../../../src/add-exits/heads/pooled-features.js';
import { createEngine } from '../../../src/engines/onnx.js';
import { FLOAT16, FLOAT32 } from '../../../src/network/intake/element-types.js';
import { operator, tensorInfo } from '../../../src/onnx/build.js';
import { encodeModel } from '../../../src/onnx/proto.js';
import { modelOf } from '../../support/packages/onnx-builder.js';

const options = { aspect: 1, classes: 10, backbone: 1e9, opset: 17, isConverted: false };

/** What the form makes of the numbers 0, 1, 2, … in two images of `shape`. */
async function featuresOf(shape: readonly number[], changes: Partial<typeof options> = {}) {
  const form = featureForm(shape, { ...options, ...changes });
  assert.ok(form);
  const { nodes, initializers } = form.build('tensor', 'features');
  const opset = changes.opset ?? options.opset;
  const before = changes.isConverted ? [operator('Cast', ['given'], 'tensor', { to: FLOAT16 })] : [];
  const model = modelOf({
    nodes: [...before, ...nodes],
    initializers,
    inputs: [tensorInfo(before.length > 0 ? 'given' : 'tensor', FLOAT32, ['batch', ...shape])],
    outputs: [tensorInfo('features', FLOAT32, ['batch', form.count])],
    opset,
  });
  const examined = await createEngine().examine?.(encodeModel(model));
  assert.ok(examined);
  const count = shape.reduce((product, extent) => product * extent, 1);
  const values = Float32Array.from({ length: 2 * count }, (_, index) => index);
  const results = await examined.run(before.length > 0 ? 'given' : 'tensor', values, [2, ...shape]);
  await examined.release();
  const features = results.get('features') ?? [];
  assert.equal(features.length, 2 * form.count);
  return { features, count, values };
}

/** Mean over rows and columns [from, to) of one channel of the first image, channels first. */
function meanOf(width: number, offset: number, [y0, y1]: number[], [x0, x1]: number[]): number {
  let [sum, count] = [0, 0];
  for (let y = y0 as number; y < (y1 as number); y++) {
    for (let x = x0 as number; x < (x1 as number); x++) {
      sum += offset + y * width + x;
      count++;
    }
  }
  return sum / count;
}

/** The largest number there. */
function maximumOf(width: number, offset: number, y1: number, x1: number): number {
  return offset + (y1 - 1) * width + x1 - 1;
}

test('few channels are taken as means and maxima over 4 × 4 parts, the last ones longer, and coarser maxima', async () => {
  const { features } = await featuresOf([2, 8, 9]);
  assert.equal(features.length, 2 * 2 * (16 + 16 + 4 + 1));
  assert.equal(features[0], meanOf(9, 0, [0, 2], [0, 3]), 'parts of 9 − 3·2 = 3 columns, every 2');
  assert.equal(features[1], meanOf(9, 0, [0, 2], [2, 5]));
  assert.equal(features[31], meanOf(9, 72, [6, 8], [6, 9]), 'the last part of the second channel');
  assert.ok(Math.abs((features[74] ?? 0) - meanOf(9, 144, [0, 2], [0, 3])) < 1e-3, 'the second image');
  assert.equal(features[32], maximumOf(9, 0, 2, 3), 'maxima follow');
  assert.equal(features[63], maximumOf(9, 72, 8, 9));
  assert.equal(features[64], maximumOf(9, 0, 4, 5), 'over quarters');
  assert.deepEqual(features.slice(72, 74), [71, 143], 'over all');
});

test('more channels are taken in coarser parts', async () => {
  for (const [channels, parts] of [
    [41, 37],
    [42, 21],
    [73, 21],
    [74, 9],
    [171, 5],
    [308, 2],
    [769, 1],
  ] as const) {
    assert.equal(featureForm([channels, 8, 8], options)?.count, channels * parts);
  }
});

test('a small tensor is taken as it is, and nothing of it twice', async () => {
  const { features } = await featuresOf([3, 2, 1], { aspect: 2 });
  assert.deepEqual(
    features.slice(0, 9),
    [0, 1, 2, 3, 4, 5, 1, 3, 5],
    'all places, and the maximum of each channel',
  );
  assert.deepEqual((await featuresOf([3, 1, 1])).features, [0, 1, 2, 3, 4, 5]);
});

test('a head stays cheap: parts get coarser where it would cost a third of 2 % of the backbone', () => {
  const count = (backbone: number) => featureForm([10, 8, 8], { ...options, backbone })?.count;
  assert.equal(count(3 * 2 * 370 * 10 * 50), 370);
  assert.equal(count(3 * 2 * 370 * 10 * 49), 210);
  assert.equal(count(1), 10);
});

test('channels may come last; which they are the sides of the image tell', async () => {
  const { features } = await featuresOf([4, 4, 2]);
  assert.equal(features.length, 2 * 2 * (16 + 4 + 1));
  assert.deepEqual(features.slice(0, 3), [0, 2, 4], 'the first channel, place by place');
  const wide = featureForm([12, 3, 12], { ...options, aspect: 0.25 });
  assert.equal(
    wide?.count,
    12 * (3 * 4 + 3 * 4 + 2 * 2 + 1),
    'twelve channels of three rows and twelve columns',
  );
});

test('tokens are taken as their mean, with the class token where there is one, for old and new operators', async () => {
  for (const opset of [17, 18]) {
    const { features } = await featuresOf([6, 2], { opset });
    assert.deepEqual(features.slice(0, 2), [5, 6]);
    const classed = await featuresOf([5, 2], { opset });
    assert.deepEqual(
      classed.features.slice(0, 4),
      [4, 5, 0, 1],
      'four patches are a square: the first is the class token',
    );
  }
});

test('features of half-precision tensors are float32, and flat ones are taken as they are', async () => {
  const { features } = await featuresOf([3], { isConverted: true });
  assert.deepEqual(features, [0, 1, 2, 3, 4, 5]);
  assert.equal(featureForm([2, 3, 4, 5], options), undefined);
});
