import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createImageTensor } from '../../src/cascade/image-tensor.js';
import type { ModelInput } from '../../src/format/manifest.js';

const input: ModelInput = {
  tensor: 'image',
  height: 1,
  width: 2,
  channels: 3,
  mean: [0, 0.5, 1],
  std: [1, 0.5, 2],
  resize: 'fill',
  background: 0,
};
// Two RGB images of two pixels each.
const pixels = Uint8Array.of(0, 255, 255, 51, 0, 0, 255, 255, 0, 0, 0, 255);

function round(values: Float32Array): number[] {
  return [...values].map((value) => Math.round(value * 1e4) / 1e4);
}

test('pixels are scaled, normalised by channel, and laid out as the engine requires', () => {
  assert.deepEqual(
    round(createImageTensor(input, 'nchw')(pixels)),
    [0, 0.2, 1, -1, 0, -0.5, 1, 0, 1, -1, -0.5, 0],
  );
  assert.deepEqual(
    round(createImageTensor(input, 'nhwc')(pixels)),
    [0, 1, 0, 0.2, -1, -0.5, 1, 1, -0.5, 0, -1, 0],
  );
});

test('channels in the other order, and values of another range, before mean and std', () => {
  const caffe = {
    ...input,
    channelOrder: 'bgr',
    range: [0, 255],
    mean: [100, 50, 10],
    std: [1, 1, 1],
  } as const;
  assert.deepEqual(
    round(
      createImageTensor(
        { ...caffe, range: [...caffe.range], mean: [...caffe.mean], std: [...caffe.std] },
        'nchw',
      )(pixels),
    ),
    [155, -100, 205, -50, -10, 41, -100, 155, 205, -50, 245, -10],
  );
  const symmetric = { ...input, range: [-1, 1], mean: [0, 0, 0], std: [1, 1, 1] };
  assert.deepEqual(round(createImageTensor(symmetric, 'nchw')(pixels)).slice(0, 6), [-1, -0.6, 1, -1, 1, -1]);
});

test('a graph that has channels last gets them so, and engines that move its first axis move the rows of pixels', () => {
  const graph = { ...input, height: 2, width: 1, layout: 'nhwc' } as const;
  assert.deepEqual(
    round(createImageTensor(graph, 'nchw')(pixels)),
    [0, 1, 0, 0.2, -1, -0.5, 1, 1, -0.5, 0, -1, 0],
  );
  assert.deepEqual(
    round(createImageTensor(graph, 'nhwc')(pixels)),
    [0, 0.2, 1, -1, 0, -0.5, 1, 0, 1, -1, -0.5, 0],
  );
});

test('the graph’s own values stay as they are, laid out as the engine requires', () => {
  // One image of 1 × 2 pixels: three channels first.
  const values = Float32Array.of(1, 2, 30, 40, 500, 600);
  assert.equal(createImageTensor(input, 'nchw')(values), values);
  assert.deepEqual([...createImageTensor(input, 'nhwc')(values)], [1, 30, 500, 2, 40, 600]);
  const channelsLast = { ...input, layout: 'nhwc' } as const;
  assert.equal(createImageTensor(channelsLast, 'nchw')(values), values);
  // As pixels are laid out for that engine, whatever the layout of the graph.
  for (const one of [input, channelsLast]) {
    const plain = { ...one, mean: [0, 0, 0], std: [1, 1, 1], range: [0, 255] };
    const own = createImageTensor(plain, 'nchw')(pixels);
    assert.deepEqual(createImageTensor(plain, 'nhwc')(own), createImageTensor(plain, 'nhwc')(pixels));
  }
});
