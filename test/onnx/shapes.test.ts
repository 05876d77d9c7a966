// Shape inference, operator by operator, against what onnxruntime gives for a batch of two.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BATCH } from '../../src/onnx/dimensions.js';
import { readGraph } from '../../src/onnx/graph.js';
import { encodeModel } from '../../src/onnx/proto.js';
import { imageDimensions, inferShapes } from '../../src/onnx/shapes.js';
import { modelOf, node, tensorInfo } from '../support/packages/onnx-builder.js';
import { runModel } from '../support/packages/run-model.js';
import { encode, infer, shapeCases } from './shape-cases.js';

describe('shape inference', () => {
  for (const [name, one] of Object.entries(shapeCases)) {
    it(name, async () => {
      assert.deepEqual(infer(one), one.shape);
      const size = one.image.reduce((product, extent) => product * extent, 2);
      const image = { dims: [2, ...one.image], data: new Float32Array(size).fill(0.5) };
      const { out } = await runModel(encode(one), { image });
      assert.deepEqual(out?.dims, [2, ...one.shape]);
    });
  }

  it('follows a batch that is no leading axis in between', () => {
    const nodes = [
      node('Transpose', ['image'], ['turned'], { perm: [1, 0] }),
      node('Transpose', ['turned'], ['out']),
    ];
    const shapes = inferShapes(readGraph(encode({ image: [5], nodes })), { tensor: 'image', shape: [5] }, [
      'out',
    ]);
    assert.deepEqual(shapes.get('turned'), [5, BATCH]);
    assert.deepEqual(shapes.get('out'), [BATCH, 5]);
    assert.throws(() => imageDimensions(shapes, 'turned'), /"turned" does not hold one row for each image/);
  });
});

describe('an operator without a rule', () => {
  const model = (dims: (number | string)[], outside: number | string = 4) =>
    encodeModel(
      modelOf({
        nodes: [node('Sign', ['image'], ['sign']), node('Relu', ['sign'], ['out'])],
        inputs: [tensorInfo('image', ['batch', 4])],
        outputs: [tensorInfo('out', ['batch', outside])],
        described: [tensorInfo('sign', dims)],
      }),
    );

  it('has the shape that the file describes', () => {
    const shapes = inferShapes(readGraph(model(['batch', 4])), { tensor: 'image', shape: [4] }, ['out']);
    assert.deepEqual(shapes.get('out'), [BATCH, 4]);
  });

  it('has as many rows for each image as the file describes', () => {
    const shapes = inferShapes(readGraph(model(['batch*3', 4])), { tensor: 'image', shape: [4] }, ['out']);
    assert.deepEqual(shapes.get('sign'), ['batch*3', 4]);
  });

  it('does not hinder those behind it whose shape the file describes', () => {
    const graph = readGraph(model(['batch', 'features']));
    const shapes = inferShapes(graph, { tensor: 'image', shape: [4] }, ['out']);
    assert.deepEqual([shapes.get('sign'), shapes.get('out')], [undefined, [BATCH, 4]]);
  });

  it('is refused if all of that is open', () => {
    const open = model(['batch', 'features'], 'features');
    assert.throws(
      () => inferShapes(readGraph(open), { tensor: 'image', shape: [4] }, ['out']),
      /does not fix the shape of "sign"/,
    );
  });
});
