// The features of an exit, computed by the engine, against means taken by hand: grids, channels last, tokens.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { featureForm } from '../../src/add-exits/pooled-features.js';
import { createEngine } from '../../src/engines/onnx.js';
import { FLOAT16, FLOAT32 } from '../../src/network/intake/element-types.js';
import { operator, tensorInfo } from '../../src/onnx/build.js';
import { encodeModel } from '../../src/onnx/proto.js';
import { modelOf } from '../support/packages/onnx-builder.js';

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

test('few channels are taken as a grid of 4 × 4, the last windows longer where the sides do not divide', async () => {
  const { features } = await featuresOf([2, 8, 9]);
  assert.equal(features.length, 2 * 32);
  assert.equal(features[0], meanOf(9, 0, [0, 2], [0, 3]), 'kernel of 9 − 3·2 = 3 columns, every 2');
  assert.equal(features[1], meanOf(9, 0, [0, 2], [2, 5]));
  assert.equal(features[31], meanOf(9, 72, [6, 8], [6, 9]));
  assert.ok(Math.abs((features[32] ?? 0) - meanOf(9, 144, [0, 2], [0, 3])) < 1e-3, 'the second image');
});

test('more channels are taken as 2 × 2, many as their means, and a small tensor as it is', async () => {
  assert.equal((await featuresOf([49, 4, 4])).features.length, 2 * 49 * 4);
  const { features } = await featuresOf([401, 2, 2]);
  assert.deepEqual(features.slice(0, 2), [1.5, 5.5]);
  assert.equal((await featuresOf([3, 2, 1])).features.length, 2 * 6);
});

test('a head stays cheap: the grid gets coarser where it would cost a third of 2 % of the backbone', async () => {
  assert.equal((await featuresOf([10, 8, 8], { backbone: 3 * 2 * 160 * 10 * 50 })).features.length, 2 * 160);
  assert.equal((await featuresOf([10, 8, 8], { backbone: 3 * 2 * 160 * 10 * 49 })).features.length, 2 * 40);
  assert.equal((await featuresOf([10, 8, 8], { backbone: 1 })).features.length, 2 * 10);
});

test('channels may come last; which they are the sides of the image tell', async () => {
  const { features } = await featuresOf([4, 4, 2]);
  assert.equal(features.length, 2 * 32);
  assert.deepEqual(features.slice(0, 3), [0, 2, 4], 'the first channel, place by place');
  const wide = await featuresOf([12, 3, 12], { aspect: 0.25 });
  assert.equal(wide.features.length, 2 * 12 * 3 * 4, 'three rows and twelve columns of twelve channels');
});

test('tokens are taken as their mean, with the class token where there is one, for old and new operators', async () => {
  for (const opset of [17, 18]) {
    const { features } = await featuresOf([6, 2], { opset });
    assert.deepEqual(features.slice(0, 2), [5, 6]);
    const classed = await featuresOf([5, 2], { opset });
    assert.deepEqual(classed.features.slice(0, 4), [4, 5, 0, 1], 'four patches are a square: the first is the class token');
  }
});

test('features of half-precision tensors are float32, and flat ones are taken as they are', async () => {
  const { features } = await featuresOf([3], { isConverted: true });
  assert.deepEqual(features, [0, 1, 2, 3, 4, 5]);
  assert.equal(featureForm([2, 3, 4, 5], options), undefined);
});
