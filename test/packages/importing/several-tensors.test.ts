// Cuts of several tensors, found in a file alone or described: the package joins them into one.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createImageTensor } from '../../../src/cascade/image-tensor.js';
import { engineModule } from '../../../src/engines/choose.js';
import type { EngineModule } from '../../../src/engines/engine.js';
import { createEngine } from '../../../src/engines/onnx.js';
import { createUniform } from '../../../src/foundation/random.js';
import { encodeModel } from '../../../src/onnx/proto.js';
import { everyStage } from '../../../src/packages/golden-outputs.js';
import { type ImportedPackage, importPackage } from '../../../src/packages/import.js';
import { readNetwork } from '../../../src/packages/package.js';
import type { NodeProto, TensorProto } from '../../../src/protobuf/onnx-ml_pb.js';
import { floatTensor, modelOf, node, tensorInfo } from '../../support/packages/onnx-builder.js';
import { largestDifference, runModel } from '../../support/packages/run-model.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const CLASSES = 5;
const random = createUniform(1);

function weights(name: string, ...dims: number[]): TensorProto {
  const count = dims.reduce((product, extent) => product * extent, 1);
  return floatTensor(
    name,
    dims,
    Array.from({ length: count }, () => random() - 0.5),
  );
}

interface Parts {
  readonly nodes: NodeProto[];
  readonly initializers: TensorProto[];
}

function convolution(from: string, to: string, channels: readonly [number, number], stride: number): Parts {
  return {
    nodes: [
      node('Conv', [from, `${to}_w`], [`${to}_raw`], { pads: [1, 1, 1, 1], strides: [stride, stride] }),
      node('Relu', [`${to}_raw`], [to]),
    ],
    initializers: [weights(`${to}_w`, channels[1], channels[0], 3, 3)],
  };
}

function head(from: string, to: string, channels: number): Parts {
  return {
    nodes: [
      node('GlobalAveragePool', [from], [`${to}_pooled`]),
      node('Flatten', [`${to}_pooled`], [`${to}_rows`]),
      node('Gemm', [`${to}_rows`, `${to}_w`], [to]),
    ],
    initializers: [weights(`${to}_w`, channels, CLASSES)],
  };
}

function write(parts: readonly Parts[]): Uint8Array {
  return encodeModel(
    modelOf({
      nodes: parts.flatMap(({ nodes }) => nodes),
      initializers: parts.flatMap(({ initializers }) => initializers),
      inputs: [tensorInfo('image', ['batch', 3, 8, 8])],
      outputs: ['answer_0', 'answer_1', 'answer_2'].map((name) => tensorInfo(name, ['batch', CLASSES])),
    }),
  );
}

/** Two scales go from stage to stage, as in an MSDNet; the exits are on the coarse one. */
const scales = write([
  convolution('image', 'fine_0', [3, 4], 1),
  convolution('fine_0', 'coarse_0', [4, 6], 2),
  head('coarse_0', 'answer_0', 6),
  convolution('fine_0', 'fine_1', [4, 4], 1),
  convolution('fine_1', 'down_1', [4, 6], 2),
  { nodes: [node('Add', ['coarse_0', 'down_1'], ['coarse_1'])], initializers: [] },
  head('coarse_1', 'answer_1', 6),
  convolution('fine_1', 'down_2', [4, 6], 2),
  { nodes: [node('Add', ['coarse_1', 'down_2'], ['coarse_2'])], initializers: [] },
  head('coarse_2', 'answer_2', 6),
]);

/** The mean of an exit's own answer and the one before. */
function averaged(own: string, before: string, to: string): Parts {
  return {
    nodes: [node('Add', [own, before], [`${to}_sum`]), node('Mul', [`${to}_sum`, `${to}_half`], [to])],
    initializers: [floatTensor(`${to}_half`, [], [0.5])],
  };
}

const answers = write([
  convolution('image', 'features_0', [3, 4], 1),
  head('features_0', 'answer_0', 4),
  convolution('features_0', 'features_1', [4, 4], 2),
  head('features_1', 'own_1', 4),
  averaged('own_1', 'answer_0', 'answer_1'),
  convolution('features_1', 'features_2', [4, 4], 1),
  head('features_2', 'own_2', 4),
  averaged('own_2', 'answer_1', 'answer_2'),
]);

async function importAlone(model: Uint8Array): Promise<ImportedPackage> {
  const folder = temporaryFolder();
  const source = join(folder, 'net.onnx');
  await writeFile(source, model);
  return importPackage({
    ...{ source, output: join(folder, 'models'), force: false, engine: createEngine() },
    wishes: { classes: Array.from({ length: CLASSES }, (_, index) => `class ${index}`), preprocess: 'unit' },
  });
}

/** Logits of every exit, stage by stage, against those of the file. */
async function assertSameAnswers(model: Uint8Array, { manifest, directory, golden }: ImportedPackage) {
  const pixels = Buffer.concat(golden.cases.map((one) => Buffer.from(one.pixels, 'base64')));
  const count = golden.cases.length;
  const data = createImageTensor(manifest.input, 'nchw')(pixels);
  const whole = await runModel(model, { image: { dims: [count, 3, 8, 8], data } });
  const stages = everyStage(readNetwork(await readFile(join(directory, 'model.onnx')), manifest));
  for (const name of ['onnx', 'wasm'] as const) {
    const engine = await ((await import(engineModule(name))) as EngineModule).createEngine();
    let rows = createImageTensor(manifest.input, engine.imageLayout)(pixels);
    for (const [exit, segment] of (await engine.load(stages)).entries()) {
      const output = await segment.run(rows, count);
      const expected = whole[`answer_${exit}`];
      assert.ok(expected);
      assert.ok(largestDifference(output.logits, expected.data) <= 1e-4, `${name}, exit ${exit}`);
      rows = output.cut ?? rows;
      await segment.release();
    }
  }
}

describe('a stage that hands on several tensors', () => {
  it('is found, cut and run: two scales', async () => {
    const made = await importAlone(scales);
    assert.deepEqual(
      made.proposed?.exits.map(({ cut }) => cut),
      [['fine_0', 'coarse_0'], ['fine_1', 'coarse_1'], undefined],
    );
    assert.equal(
      made.notes[0],
      'The cut of exit "exit-0" has 2 tensors; the package joins them into "rdi-serve/cut/exit-0": "fine_0", "coarse_0".',
    );
    await assertSameAnswers(scales, made);
    const convolutions = [64 * 4 * 27 + 16 * 6 * 36, 64 * 4 * 36 + 16 * 6 * 36, 16 * 6 * 36];
    const [first, second, final] = made.manifest.exits.map(({ flops }) => flops);
    assert.deepEqual(
      [first?.stage, second?.stage],
      convolutions.slice(0, 2).map((macs) => 2 * macs),
    );
    assert.equal(
      final?.cumulative,
      2 * (convolutions.reduce((sum, macs) => sum + macs, 0) + 3 * 6 * CLASSES),
    );
  });

  it('is found, cut and run: an answer that the next exits take up', async () => {
    const made = await importAlone(answers);
    assert.deepEqual(
      made.proposed?.exits.map(({ cut }) => cut),
      [['features_0', 'answer_0'], ['features_1', 'answer_1'], undefined],
    );
    await assertSameAnswers(answers, made);
    const macs = 64 * 4 * 27 + 2 * 16 * 4 * 36 + 3 * 4 * CLASSES;
    assert.equal(made.manifest.exits.at(-1)?.flops.cumulative, 2 * macs);
  });

  it('can be described with tensors of one’s own choice, and one of them is enough where all else follows from it', async () => {
    const made = await importAlone(answers);
    const exits = ['features_0', ['features_1', 'answer_0']].map((cut, index) => ({
      ...{ name: `exit-${index}`, logits: `answer_${index}`, cut },
    }));
    assert.ok(made.proposed);
    const description = { ...made.proposed, exits: [...exits, { name: 'final', logits: 'answer_2' }] };
    const source = temporaryFolder();
    await writeFile(join(source, 'model.onnx'), answers);
    await writeFile(join(source, 'description.json'), JSON.stringify(description));
    const output = temporaryFolder();
    const own = await importPackage({ source, output, force: false, engine: createEngine() });
    assert.deepEqual(
      own.manifest.exits.map(({ cut }) => cut),
      ['features_0', 'rdi-serve/cut/exit-1', undefined],
    );
    await assertSameAnswers(answers, own);
  });
});
