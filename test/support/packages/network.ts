// A small multi-exit network with seeded weights, for every test that needs a real one: residual blocks, strides,
// a depthwise convolution, heads of pooling and one matrix product. Different images get different answers.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngine } from '../../../src/engines/onnx.js';
import type { Description } from '../../../src/format/description.js';
import type { CalibrationDocument } from '../../../src/format/profiles.js';
import { createUniform } from '../../../src/foundation/random.js';
import type { ExitTensors } from '../../../src/network/cuts.js';
import { encodeModel } from '../../../src/onnx/proto.js';
import { type ImportedPackage, importPackage } from '../../../src/packages/import.js';
import type { NodeProto, TensorProto } from '../../../src/protobuf/onnx-ml_pb.js';
import { floatTensor, modelOf, node, tensorInfo } from './onnx-builder.js';

export interface NetworkOptions {
  readonly name?: string;
  readonly version?: string;
  readonly classes?: number;
  /** Height and width of the image. */
  readonly size?: number;
  readonly channels?: 1 | 3;
  /** Channels of the first stage; later stages have more. */
  readonly width?: number;
  readonly exits?: number;
  readonly seed?: number;
}

/** Each exit has one cut at most. */
export type TestDescription = Description & { exits: ExitTensors[] };

/** Chosen so that logits are a few units and the entropy of the softmax differs between images. */
const LOGIT_GAIN = 10;

/** Tensors: `image`, per exit k `logits_<k>` and, but for the last, `cut_<k>`; nodes are `make_<output>`. */
export function buildTestNetwork(options: NetworkOptions = {}): {
  model: Uint8Array;
  description: TestDescription;
} {
  const { name = 'tiny', version = '1', classes = 10, size = 16, channels = 3 } = options;
  const { width = 8, exits = 3, seed = 1 } = options;
  const normal = createNormal(seed);
  const nodes: NodeProto[] = [];
  const initializers: TensorProto[] = [];

  const weights = (output: string, dims: number[], deviation: number): string => {
    const count = dims.reduce((product, extent) => product * extent, 1);
    initializers.push(
      floatTensor(
        `${output}_weight`,
        dims,
        Array.from({ length: count }, () => deviation * normal()),
      ),
    );
    return `${output}_weight`;
  };
  const add = (
    operator: string,
    inputs: string[],
    output: string,
    attributes: Parameters<typeof node>[3] = {},
  ): string => {
    nodes.push(node(operator, inputs, [output], attributes));
    return output;
  };
  const conv = (
    from: string,
    output: string,
    [inside, outside]: [number, number],
    { kernel = 3, stride = 1, groups = 1, gain = 1 } = {},
  ): string => {
    const fan = (inside / groups) * kernel * kernel;
    const weight = weights(output, [outside, inside / groups, kernel, kernel], gain * Math.sqrt(2 / fan));
    const pad = (kernel - 1) / 2;
    return add('Conv', [from, weight], output, {
      group: groups,
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
    });
  };
  const head = (from: string, exit: number, depth: number, extent: number): void => {
    const window = Math.max(1, Math.floor(extent / 2));
    const cells = Math.floor(extent / window) ** 2;
    const pooled = add('AveragePool', [from], `pooled_${exit}`, {
      kernel_shape: [window, window],
      strides: [window, window],
    });
    const rows = add('Flatten', [pooled], `rows_${exit}`, { axis: 1 });
    const weight = floatTensor(
      `logits_${exit}_weight`,
      [classes, depth * cells],
      Array.from({ length: classes * depth }, () =>
        centred(Array.from({ length: cells }, () => (LOGIT_GAIN * normal()) / Math.sqrt(depth))),
      ).flat(),
    );
    const bias = floatTensor(
      `logits_${exit}_bias`,
      [classes],
      Array.from({ length: classes }, () => 0.1 * normal()),
    );
    initializers.push(weight, bias);
    add('Gemm', [rows, `logits_${exit}_weight`, `logits_${exit}_bias`], `logits_${exit}`, { transB: 1 });
  };

  let depth = width;
  let extent = size;
  let current = add('Relu', [conv('image', 'stem', [channels, width])], 'stem_relu');
  for (let exit = 0; exit < exits; exit++) {
    if (exit > 0) {
      const wider = width * (exit + 1);
      extent = Math.ceil(extent / 2);
      current = add(
        'Relu',
        [conv(current, `down_${exit}`, [depth, wider], { stride: 2 })],
        `down_${exit}_relu`,
      );
      depth = wider;
    }
    const filtered = add(
      'Relu',
      [conv(current, `filtered_${exit}`, [depth, depth], { groups: exit === 0 ? 1 : depth })],
      `filtered_${exit}_relu`,
    );
    const mixed = conv(filtered, `mixed_${exit}`, [depth, depth], { kernel: 1, gain: 0.5 });
    const sum = add('Add', [mixed, current], `sum_${exit}`);
    const cut = add('Relu', [sum], exit < exits - 1 ? `cut_${exit}` : 'last_features');
    head(cut, exit, depth, extent);
    current = cut;
  }

  const model = modelOf({
    nodes,
    initializers,
    inputs: [tensorInfo('image', ['batch', channels, size, size])],
    outputs: Array.from({ length: exits }, (_, exit) => tensorInfo(`logits_${exit}`, ['batch', classes])),
  });
  return {
    model: encodeModel(model),
    description: {
      name,
      version,
      description: 'A seeded network for tests.',
      licence: 'Apache-2.0',
      classes: Array.from({ length: classes }, (_, index) => `class ${index}`),
      tensor: 'image',
      input: {
        height: size,
        width: size,
        channels,
        mean: new Array<number>(channels).fill(0.5),
        std: new Array<number>(channels).fill(0.25),
        resize: 'fill',
      },
      exits: Array.from({ length: exits }, (_, exit) => ({
        name: exit < exits - 1 ? `exit-${exit}` : 'final',
        logits: `logits_${exit}`,
        ...(exit < exits - 1 && { cut: `cut_${exit}` }),
      })),
      provenance: { seed },
    },
  };
}

/** Writes the test network as an export that `rdi-serve import` takes. */
export async function writeTestExport(
  directory: string,
  options: NetworkOptions = {},
): Promise<TestDescription> {
  const { model, description } = buildTestNetwork(options);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'model.onnx'), model);
  await writeFile(join(directory, 'description.json'), JSON.stringify(description));
  return description;
}

/**
 * Imports the test network into the models folder `directory`.
 * @param options.calibration becomes calibration.json; without it the package has the profile `full` only.
 */
export async function writeTestPackage(
  directory: string,
  options: NetworkOptions & { readonly calibration?: CalibrationDocument } = {},
): Promise<ImportedPackage> {
  const source = await mkdtemp(join(tmpdir(), 'rdi-export-'));
  try {
    await writeTestExport(source, options);
    if (options.calibration) {
      await writeFile(join(source, 'calibration.json'), JSON.stringify(options.calibration));
    }
    return await importPackage({ source, output: directory, force: false, engine: createEngine() });
  } finally {
    await rm(source, { recursive: true });
  }
}

/** Standard normal numbers (Box–Muller). */
function createNormal(seed: number): () => number {
  const random = createUniform(seed);
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** Without its mean, a head sees where things are in an image rather than how bright it is. */
function centred(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.length === 1 ? [...values] : values.map((value) => value - mean);
}
