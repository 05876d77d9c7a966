// What shape inference refuses, and that the message names the node and the reason.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PackageError } from '../../src/foundation/errors.js';
import { readGraph } from '../../src/onnx/graph.js';
import { encodeModel } from '../../src/onnx/proto.js';
import { inferShapes } from '../../src/onnx/shapes.js';
import { intTensor, modelOf, node, tensorInfo } from '../support/packages/onnx-builder.js';
import { convolve, infer, pool, type ShapeCase, weight } from './shape-cases.js';

/** A slice of [batch, 4, 4]. */
function slicing(
  starts: number[],
  ends: number[],
  axes: number[],
  steps?: number[],
): Omit<ShapeCase, 'shape'> {
  const bounds = { starts, ends, axes, ...(steps && { steps }) };
  return {
    image: [4, 4],
    nodes: [node('Slice', ['image', ...Object.keys(bounds)], ['out'])],
    initializers: Object.entries(bounds).map(([name, values]) => intTensor(name, values)),
  };
}

const refusals: Record<string, { one: Omit<ShapeCase, 'shape'>; message: RegExp }> = {
  'an unknown operator': {
    one: { image: [4], nodes: [node('Sign', ['image'], ['out'])] },
    message: /node "make_out" \(Sign\) is not known to rdi-serve/,
  },
  'weights for other channels': {
    one: { image: [3, 9, 9], nodes: convolve({}), initializers: [weight('w', 4, 2, 3, 3)] },
    message: /"make_out" \(Conv\) has weights for 2 channels on an input with 3/,
  },
  'a window larger than the image': {
    one: { image: [3, 2, 2], nodes: convolve({}), initializers: [weight('w', 4, 3, 5, 5)] },
    message: /would give a tensor of shape \[batch, 4, -2, -2\]/,
  },
  'a dilated window that pads by itself': {
    one: {
      image: [1, 8, 6],
      nodes: pool('MaxPool', { kernel_shape: [2, 3], dilations: [1, 2], auto_pad: 'SAME_UPPER' }),
    },
    message: /"make_out" \(MaxPool\) combines auto_pad with dilations/,
  },
  'a stride of nothing': {
    one: { image: [1, 4, 4], nodes: pool('MaxPool', { kernel_shape: [2, 2], strides: [0, 0] }) },
    message: /would give a tensor of shape/,
  },
  'rows of nothing': {
    one: {
      image: [3],
      nodes: [node('Pad', ['image', 'pads'], ['out'])],
      initializers: [intTensor('pads', [0, 0, 0, -3])],
    },
    message: /tensor "out" does not hold one row for each image/,
  },
  'shapes that do not broadcast': {
    one: {
      image: [2, 3],
      nodes: [node('Add', ['image', 'b'], ['out'])],
      initializers: [weight('b', 4)],
    },
    message: /cannot combine the shapes \[batch, 2, 3\] and \[4\]/,
  },
  'a reshape with a fixed batch': {
    one: {
      image: [2, 3],
      nodes: [node('Reshape', ['image', 'to'], ['out'])],
      initializers: [intTensor('to', [1, 6])],
    },
    message: /cannot reshape \[batch, 2, 3\] to \[1, 6\] for every batch size/,
  },
  'a mean over the batch': {
    one: { image: [2, 3], nodes: [node('ReduceMean', ['image'], ['out'], { axes: [0] })] },
    message: /\(ReduceMean\) mixes the images of a batch/,
  },
  'a softmax over the batch': {
    one: { image: [2, 3], nodes: [node('Softmax', ['image'], ['out'], { axis: 0 })] },
    message: /\(Softmax\) mixes the images of a batch/,
  },
  'a normalisation over the batch': {
    one: {
      image: [3],
      nodes: [node('LayerNormalization', ['image', 's'], ['out'], { axis: 0 })],
      initializers: [weight('s', 3)],
    },
    message: /\(LayerNormalization\) mixes the images of a batch/,
  },
  'a dropout that may still drop': {
    one: {
      image: [3],
      nodes: [node('Dropout', ['image', '', 'on'], ['out'])],
      initializers: [weight('on')],
    },
    message: /\(Dropout\) may run in training mode/,
  },
  'a normalisation that still learns': {
    one: {
      image: [2, 3, 3],
      nodes: [
        node('BatchNormalization', ['image', 's', 's', 's', 's'], ['out', 'm', 'v'], { training_mode: 1 }),
      ],
      initializers: [weight('s', 2)],
    },
    message: /\(BatchNormalization\) runs in training mode/,
  },
  'a product of images with each other': {
    one: {
      image: [4],
      nodes: [node('Transpose', ['image'], ['turned']), node('MatMul', ['turned', 'image'], ['out'])],
    },
    message: /\(MatMul\) mixes the images of a batch/,
  },
  'a slice of every second image': {
    one: slicing([0], [2 ** 31 - 1], [0], [2]),
    message: /"make_out" \(Slice\) selects some images of a batch/,
  },
  'a slice that turns around': {
    one: slicing([-1], [-9], [1], [-1]),
    message: /\(Slice\) does not have one step forward per axis/,
  },
  'a slice that ends before it starts': {
    one: slicing([2], [-2], [1]),
    message: /\(Slice\) selects no entry of an axis/,
  },
  'a slice that starts behind the end': {
    one: slicing([4], [9], [2]),
    message: /\(Slice\) selects no entry of an axis/,
  },
  'the first image of a batch': {
    one: slicing([0], [1], [0]),
    message: /\(Slice\) selects some images of a batch/,
  },
  'all images of a batch but the first': {
    one: slicing([1], [2 ** 31 - 1], [0]),
    message: /\(Slice\) selects some images of a batch/,
  },
  'all images of a batch but the last': {
    one: slicing([0], [-1], [-3]),
    message: /\(Slice\) selects some images of a batch/,
  },
  'a slice along an axis that is not there': {
    one: slicing([0], [1], [3]),
    message: /\(Slice\) works on axis 3 of a tensor with 3 axes/,
  },
  'a slice twice along an axis': {
    one: slicing([0, 1], [3, 3], [1, -2]),
    message: /\(Slice\) names an axis twice/,
  },
  'a slice with an end too few': {
    one: slicing([0, 1], [3], [1, 2]),
    message: /\(Slice\) does not have one start and one end per axis/,
  },
  'a slice to an end that depends on the batch': {
    one: {
      image: [4],
      nodes: [node('Shape', ['image'], ['ends']), node('Slice', ['image', 'starts', 'ends'], ['out'])],
      initializers: [intTensor('starts', [0, 1])],
    },
    message: /\(Slice\) has ends that depend on the batch/,
  },
  'a shape that depends on values': {
    one: { image: [4], nodes: [node('Reshape', ['image', 'image'], ['out'])] },
    message: /has dimensions that are not constant/,
  },
};

describe('shape inference refuses', () => {
  for (const [name, { one, message }] of Object.entries(refusals)) {
    it(name, () => {
      assert.throws(
        () => infer(one),
        (error) => error instanceof PackageError && message.test(error.message),
      );
    });
  }

  it('a second input on the way', () => {
    const model = modelOf({
      nodes: [node('Add', ['image', 'other'], ['out'])],
      inputs: [tensorInfo('image', ['batch', 4]), tensorInfo('other', ['batch', 4])],
      outputs: [tensorInfo('out', ['batch', 4])],
    });
    assert.throws(
      () => inferShapes(readGraph(encodeModel(model)), { tensor: 'image', shape: [4] }, ['out']),
      /takes the input "other" besides "image"/,
    );
  });
});
