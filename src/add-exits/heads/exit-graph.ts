// Writes graphs: the plain network with the features of candidate exits as its output, and the network with its exits.
// The nodes of the plain network stay as they are, so that its answers do too.
import { FLOAT32 } from '../../network/intake/element-types.js';
import { floats, operator, tensorInfo, withGraph } from '../../onnx/build.js';
import { BATCH } from '../../onnx/dimensions.js';
import { decodeModel, encodeModel } from '../../onnx/proto.js';
import type { ModelProto, NodeProto, TensorProto } from '../../protobuf/onnx-ml_pb.js';
import type { FeatureForm } from './pooled-features.js';

/** Of names that are made here; no exporter starts one like this. */
const PREFIX = 'rdi-serve/';

export interface Hanging {
  /** The tensor that the exit hangs on. */
  readonly tensor: string;
  readonly form: FeatureForm;
}

/** One linear layer, from features to logits. */
export interface LinearHead {
  /** [classes, features] */
  readonly weight: Float32Array;
  /** [classes] */
  readonly bias: Float32Array;
}

export interface NewExit extends Hanging {
  readonly name: string;
  readonly head: LinearHead;
}

/** Name of the logits of an added exit. */
export function logitsOf(exit: string): string {
  return `${PREFIX}${exit}`;
}

/**
 * @returns a model whose one output `output` is [batch, features of every candidate in order, then the classes].
 * @param model of the plain network
 */
export function withFeatures(
  model: Uint8Array,
  logits: string,
  classes: number,
  candidates: readonly Hanging[],
): { readonly graph: Uint8Array; readonly output: string } {
  const decoded = decodeModel(model);
  const output = `${PREFIX}features`;
  const parts = candidates.map(({ tensor, form }, index) => ({
    name: `${PREFIX}features-${index}`,
    ...form.build(tensor, `${PREFIX}features-${index}`),
  }));
  const joined = operator('Concat', [...parts.map(({ name }) => name), logits], output, { axis: 1 });
  const grown = extended(decoded, {
    nodes: [...parts.flatMap(({ nodes }) => nodes), joined],
    initializers: parts.flatMap(({ initializers }) => initializers),
  });
  const count = candidates.reduce((sum, { form }) => sum + form.count, classes);
  return {
    graph: encodeModel(withGraph(grown, { output: [tensorInfo(output, FLOAT32, [BATCH, count])] })),
    output,
  };
}

/** The head of an exit alone, as a model from the tensor that it hangs on to its logits. */
export function headAlone(
  model: Uint8Array,
  classes: number,
  exit: NewExit,
  shape: readonly number[],
  elementType: number,
): Uint8Array {
  const decoded = decodeModel(model);
  const { nodes, initializers, output } = headOf(exit, classes);
  return encodeModel(
    withGraph(decoded, {
      node: nodes,
      initializer: initializers,
      input: [tensorInfo(exit.tensor, elementType, [BATCH, ...shape])],
      output: [output],
      valueInfo: [],
    }),
  );
}

/** The plain network with side exits; their logits become outputs before the final one's. */
export function withExits(model: Uint8Array, classes: number, exits: readonly NewExit[]): Uint8Array {
  const decoded = decodeModel(model);
  const parts = exits.map((exit) => headOf(exit, classes));
  const grown = extended(decoded, {
    nodes: parts.flatMap(({ nodes }) => nodes),
    initializers: parts.flatMap(({ initializers }) => initializers),
  });
  return encodeModel(
    withGraph(grown, {
      output: [...parts.map(({ output }) => output), ...(decoded.graph?.output ?? [])],
    }),
  );
}

function headOf({ tensor, form, name, head }: NewExit, classes: number) {
  const logits = logitsOf(name);
  const [features, weight, bias] = [`${logits}/features`, `${logits}/weight`, `${logits}/bias`];
  const { nodes, initializers } = form.build(tensor, features);
  return {
    nodes: [...nodes, operator('Gemm', [features, weight, bias], logits, { transB: 1 })],
    initializers: [
      ...initializers,
      floats(weight, [classes, form.count], head.weight),
      floats(bias, [classes], head.bias),
    ],
    output: tensorInfo(logits, FLOAT32, [BATCH, classes]),
  };
}

function extended(
  model: ModelProto,
  {
    nodes,
    initializers,
  }: { readonly nodes: readonly NodeProto[]; readonly initializers: readonly TensorProto[] },
): ModelProto {
  return withGraph(model, {
    node: [...(model.graph?.node ?? []), ...nodes],
    initializer: [...(model.graph?.initializer ?? []), ...initializers],
  });
}
