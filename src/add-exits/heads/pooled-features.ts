// What an exit takes from the tensor that it hangs on: means and maxima over parts of each channel, or of tokens their mean.
// More parts help early exits most, where channels are few; maxima tell what is there, means how much of it.
import { FLOAT32 } from '../../network/intake/element-types.js';
import { integers, operator } from '../../onnx/build.js';
import type { NodeProto, TensorProto } from '../../protobuf/onnx-ml_pb.js';

/** Parts along each side that means are taken of, and maxima; the richest first. */
const PYRAMIDS: readonly { readonly means: number; readonly maxima: readonly number[] }[] = [
  { means: 4, maxima: [4, 2, 1] },
  { means: 4, maxima: [2, 1] },
  { means: 2, maxima: [2, 1] },
  { means: 2, maxima: [1] },
  { means: 1, maxima: [1] },
  { means: 1, maxima: [] },
];
/** The time to fit a head grows with the cube of its features. */
const MOST_FEATURES = 1536;
/** All side exits together shall cost at most 2 % of the backbone: a third of that each. */
const MOST_OF_BACKBONE = 0.02 / 3;
/** The first version of the operators whose ReduceMean takes its axes as an input. */
const AXES_AS_INPUT = 18;

export interface FeatureForm {
  /** Number of features. */
  readonly count: number;
  /** Nodes that make `output`, [batch, count], of `tensor`, and the constants that they take. */
  build(
    tensor: string,
    output: string,
  ): { readonly nodes: NodeProto[]; readonly initializers: TensorProto[] };
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
  if (shape.length === 1) return { count: first, build: (tensor, output) => flatten(tensor, output) };
  if (shape.length === 2) return tokens(first, second, options);
  if (shape.length !== 3) return undefined;
  const isLast = isChannelsLast(shape, options.aspect);
  const [channels, height, width] = isLast ? [third, first, second] : [first, second, third];
  const grids = gridsFor(channels, [height, width], options);
  return {
    count: channels * grids.reduce((sum, { size: [rows, columns] }) => sum + rows * columns, 0),
    build(tensor, output) {
      const turned = `${output}/channels-first`;
      const before = isLast ? [operator('Transpose', [tensor], turned, { perm: [0, 3, 1, 2] })] : [];
      return pooled(grids, isLast ? turned : tensor, [height, width], output, before);
    },
  };
}

type Size = readonly [height: number, width: number];

interface Grid {
  readonly operator: 'AveragePool' | 'MaxPool';
  readonly size: Size;
}

/** The richest pyramid that is not too large and whose head is cheap; the plainest if none is. */
function gridsFor(channels: number, shape: Size, { classes, backbone }: FormOptions): Grid[] {
  const pyramids = PYRAMIDS.map(({ means, maxima }) => pyramid(shape, means, maxima));
  const fits = pyramids.find((grids) => {
    const count = channels * grids.reduce((sum, { size: [rows, columns] }) => sum + rows * columns, 0);
    return count <= MOST_FEATURES && 2 * count * classes <= MOST_OF_BACKBONE * backbone;
  });
  return fits ?? (pyramids.at(-1) as Grid[]);
}

/** A small tensor has not more parts than places, and where each part is a place its mean and its maximum are the same. */
function pyramid([height, width]: Size, means: number, maxima: readonly number[]): Grid[] {
  const sizeOf = (side: number): Size => [Math.min(side, height), Math.min(side, width)];
  const grids: Grid[] = [{ operator: 'AveragePool', size: sizeOf(means) }];
  for (const size of maxima.map(sizeOf)) {
    const isTensor = size[0] === height && size[1] === width;
    const isThere = grids.some((grid) => grid.operator === 'MaxPool' && `${grid.size}` === `${size}`);
    if (!isThere && !(isTensor && `${grids[0]?.size}` === `${size}`))
      grids.push({ operator: 'MaxPool', size });
  }
  return grids;
}

/** Coarser maxima are taken of finer ones: a large tensor is read twice, whatever the pyramid. */
function pooled(grids: readonly Grid[], tensor: string, shape: Size, output: string, before: NodeProto[]) {
  const nodes = [...before];
  const parts: string[] = [];
  let finest = { tensor, size: shape };
  for (const [index, { operator: kind, size }] of grids.entries()) {
    const [name, part] = [`${output}/pooled-${index}`, `${output}/part-${index}`];
    const from = kind === 'MaxPool' ? finest : { tensor, size: shape };
    nodes.push(operator(kind, [from.tensor], name, windows(from.size, size)));
    nodes.push(operator('Flatten', [name], grids.length === 1 ? output : part, { axis: 1 }));
    if (kind === 'MaxPool') finest = { tensor: name, size };
    parts.push(part);
  }
  if (parts.length > 1) nodes.push(operator('Concat', parts, output, { axis: 1 }));
  return { nodes, initializers: [] };
}

/** The last windows are longer where the sides do not divide. */
function windows([height, width]: Size, [rows, columns]: Size) {
  const strides = [Math.floor(height / rows), Math.floor(width / columns)] as const;
  return { strides, kernel_shape: [height - (rows - 1) * strides[0], width - (columns - 1) * strides[1]] };
}

function flatten(tensor: string, output: string) {
  return { nodes: [operator('Flatten', [tensor], output, { axis: 1 })], initializers: [] };
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
