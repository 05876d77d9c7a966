// What an exit takes from the tensor that it hangs on: a coarse grid of means over each channel, or of tokens their mean.
// More places of the grid help early exits most, where channels are few; a head stays far cheaper than the backbone.
import { FLOAT32 } from '../network/intake/element-types.js';
import { integers, operator } from '../onnx/build.js';
import type { NodeProto, TensorProto } from '../protobuf/onnx-ml_pb.js';

/** Places along each side of the grid, by the most channels that have them. */
const GRIDS: readonly (readonly [side: number, mostChannels: number])[] = [
  [4, 48],
  [2, 400],
  [1, Number.POSITIVE_INFINITY],
];
/** All side exits together shall cost at most 2 % of the backbone: a third of that each. */
const MOST_OF_BACKBONE = 0.02 / 3;
/** The first version of the operators whose ReduceMean takes its axes as an input. */
const AXES_AS_INPUT = 18;

export interface FeatureForm {
  /** Number of features. */
  readonly count: number;
  /** Nodes that make `output`, [batch, count], of `tensor`, and the constants that they take. */
  build(tensor: string, output: string): { readonly nodes: NodeProto[]; readonly initializers: TensorProto[] };
}

export interface FormOptions {
  /** Height by width of the image. */
  readonly aspect: number;
  readonly classes: number;
  /** FLOPs of the backbone. */
  readonly backbone: number;
  readonly opset: number;
  /** Whether the tensor holds other numbers than float32. */
  readonly isConverted: boolean;
}

/** @param shape of the tensor, without the batch; undefined: it has no form that is known here */
export function featureForm(shape: readonly number[], options: FormOptions): FeatureForm | undefined {
  const form = plainForm(shape, options);
  if (!form || !options.isConverted) return form;
  return {
    count: form.count,
    build(tensor, output) {
      const { nodes, initializers } = form.build(`${output}/float32`, output);
      const cast = operator('Cast', [tensor], `${output}/float32`, { to: FLOAT32 });
      return { nodes: [cast, ...nodes], initializers };
    },
  };
}

function plainForm(shape: readonly number[], options: FormOptions): FeatureForm | undefined {
  const [first = 0, second = 0, third = 0] = shape;
  if (shape.length === 1) return { count: first, build: (tensor, output) => flatten([], tensor, output) };
  if (shape.length === 2) return tokens(first, second, options);
  if (shape.length !== 3) return undefined;
  const isLast = isChannelsLast(shape, options.aspect);
  const [channels, height, width] = isLast ? [third, first, second] : [first, second, third];
  const side = gridSide(channels, options);
  const [rows, columns] = [Math.min(side, height), Math.min(side, width)];
  const [strideY, strideX] = [Math.floor(height / rows), Math.floor(width / columns)];
  const windows = {
    strides: [strideY, strideX],
    kernel_shape: [height - (rows - 1) * strideY, width - (columns - 1) * strideX],
  };
  return {
    count: channels * rows * columns,
    build(tensor, output) {
      const turned = `${output}/channels-first`;
      const before = isLast ? [operator('Transpose', [tensor], turned, { perm: [0, 3, 1, 2] })] : [];
      const pool = operator('AveragePool', [isLast ? turned : tensor], `${output}/pooled`, windows);
      return flatten([...before, pool], `${output}/pooled`, output);
    },
  };
}

function flatten(nodes: NodeProto[], tensor: string, output: string) {
  return { nodes: [...nodes, operator('Flatten', [tensor], output, { axis: 1 })], initializers: [] };
}

/** As many places as the channels allow and the head may cost; one at least. */
function gridSide(channels: number, { classes, backbone }: FormOptions): number {
  const fits = GRIDS.find(
    ([side, most]) =>
      channels <= most && 2 * channels * side * side * classes <= MOST_OF_BACKBONE * backbone,
  );
  return fits?.[0] ?? 1;
}

/** Whether the two sides that are more like the image's lie before the channels. */
function isChannelsLast([a = 1, b = 1, c = 1]: readonly number[], aspect: number): boolean {
  const distance = (height: number, width: number): number => Math.abs(Math.log(height / width / aspect));
  return distance(a, b) < distance(b, c);
}

/** [batch, tokens, depth]: the mean over the tokens, and the class token if there is one before a square of patches. */
function tokens(count: number, depth: number, { opset }: FormOptions): FeatureForm {
  const hasClassToken = count > 1 && Number.isInteger(Math.sqrt(count - 1));
  return {
    count: hasClassToken ? 2 * depth : depth,
    build(tensor, output) {
      const mean = hasClassToken ? `${output}/mean` : output;
      const axes = opset >= AXES_AS_INPUT ? [`${output}/axes`] : [];
      const reduce = operator('ReduceMean', [tensor, ...axes], mean, {
        keepdims: 0,
        ...(axes.length === 0 && { axes: [1] }),
      });
      const initializers = axes.map((name) => integers(name, [1]));
      if (!hasClassToken) return { nodes: [reduce], initializers };
      const first = `${output}/first`;
      return {
        nodes: [
          reduce,
          operator('Gather', [tensor, first], `${output}/token`, { axis: 1 }),
          operator('Flatten', [`${output}/token`], `${output}/class-token`, { axis: 1 }),
          operator('Concat', [mean, `${output}/class-token`], output, { axis: 1 }),
        ],
        initializers: [...initializers, integers(first, [0])],
      };
    },
  };
}
