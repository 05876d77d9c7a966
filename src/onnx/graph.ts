// A checked view of an ONNX graph: nodes in order of execution, the node that makes each tensor, inputs and outputs.
// Related: proto.ts, which decodes the file.
import { PackageError } from '../foundation/errors.js';
import {
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProto_DataType,
  type TypeProto_Tensor,
  type ValueInfoProto,
} from '../protobuf/onnx-ml_pb.js';
import { decodeModel, notAModel } from './proto.js';

export interface GraphNode {
  readonly operator: string;
  /** Empty: ONNX's own operators. */
  readonly domain: string;
  /** An empty name stands for an optional input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** For messages: name and operator. */
  readonly label: string;
  readonly proto: NodeProto;
}

/** What a file declares about a tensor. */
export interface DeclaredTensor {
  readonly elementType: number;
  /** null: a dimension that is not fixed. */
  readonly shape: readonly (number | null)[] | undefined;
  /** The name of each dimension in the file; empty if it has none. */
  readonly symbols: readonly string[];
}

export interface Graph {
  readonly model: ModelProto;
  /** Version of ONNX's own operators. */
  readonly opset: number;
  /** In order of execution: each node comes after the nodes whose outputs it takes. */
  readonly nodes: readonly GraphNode[];
  /** The node that makes each tensor; inputs and initializers have none. */
  readonly producers: ReadonlyMap<string, GraphNode>;
  readonly initializers: ReadonlyMap<string, TensorProto>;
  readonly inputs: ReadonlyMap<string, DeclaredTensor>;
  readonly outputs: ReadonlyMap<string, DeclaredTensor>;
  /** Tensors inside the graph that the file declares. */
  readonly described: ReadonlyMap<string, DeclaredTensor>;
}

/** Maximum number of characters of a name. Exporters make names from module paths, which are shorter. */
const LONGEST_NAME = 1024;

/** @throws PackageError if `bytes` are not an ONNX model, or if the model has a feature that cannot be served */
export function readGraph(bytes: Uint8Array): Graph {
  const model = decodeModel(bytes);
  const proto = model.graph;
  if (!proto?.node.length) throw notAModel(bytes, 'it holds no graph');
  const imported = model.opsetImport.find((one) => isOnnxDomain(one.domain));
  if (!imported)
    throw new PackageError('model.onnx does not state which version of the ONNX operators it uses.');
  if (proto.sparseInitializer.length)
    throw new PackageError('model.onnx has sparse weights; export it with dense weights.');

  for (const node of [...proto.node, ...model.functions.flatMap((one) => one.node)]) {
    node.attribute.forEach(checkAttribute);
  }
  for (const { attributeProto } of model.functions) attributeProto.forEach(checkAttribute);
  const initializers = readInitializers(proto);
  const inputs = new Map([...declared(proto.input)].filter(([name]) => !initializers.has(name)));
  const nodes = proto.node.map(readNode);
  return {
    model,
    opset: Number(imported.version),
    nodes,
    producers: readProducers(nodes, new Set([...inputs.keys(), ...initializers.keys()])),
    initializers,
    inputs,
    outputs: declared(proto.output),
    described: declared(proto.valueInfo),
  };
}

function isOnnxDomain(domain: string): boolean {
  return domain === '' || domain === 'ai.onnx';
}

/** Names appear in messages and logs, so they must be short and printable. */
function checkName(name: string): void {
  if (name.length > LONGEST_NAME || /\p{Cc}|\uFFFD/u.test(name)) {
    throw new PackageError('model.onnx is not an ONNX model: a name in it is too long or not printable.');
  }
}

function readNode(proto: NodeProto): GraphNode {
  const { opType: operator, domain, input: inputs, output: outputs } = proto;
  for (const name of [proto.name, operator, domain, ...inputs, ...outputs]) checkName(name);
  return {
    operator,
    domain: isOnnxDomain(domain) ? '' : domain,
    inputs,
    outputs,
    label: `node "${proto.name || outputs[0] || ''}" (${operator})`,
    proto,
  };
}

/** Maps each tensor to its node. Checks that the nodes can run in this order, and that no tensor is made twice. */
function readProducers(nodes: readonly GraphNode[], given: ReadonlySet<string>): Map<string, GraphNode> {
  const producers = new Map<string, GraphNode>();
  for (const node of nodes) {
    for (const input of node.inputs) {
      if (input !== '' && !producers.has(input) && !given.has(input)) {
        throw new PackageError(`model.onnx: ${node.label} takes "${input}", which no earlier node makes.`);
      }
    }
    for (const output of node.outputs) {
      if (output === '') continue;
      if (producers.has(output) || given.has(output)) {
        throw new PackageError(`model.onnx: tensor "${output}" is made twice.`);
      }
      producers.set(output, node);
    }
  }
  return producers;
}

function readInitializers(proto: GraphProto): Map<string, TensorProto> {
  const initializers = new Map<string, TensorProto>();
  for (const tensor of proto.initializer) {
    checkStored(tensor);
    const { name } = tensor;
    if (initializers.has(name)) throw new PackageError(`model.onnx: tensor "${name}" is made twice.`);
    initializers.set(name, tensor);
  }
  return initializers;
}

function declared(infos: readonly ValueInfoProto[]): Map<string, DeclaredTensor> {
  return new Map(infos.map((info) => [info.name, declaredTensor(info)]));
}

/** The declared tensor type; undefined if there is no declaration, or one of another kind. */
export function declaredType({ type }: ValueInfoProto): TypeProto_Tensor | undefined {
  return type?.value.case === 'tensorType' ? type.value.value : undefined;
}

/** Some exporters (Paddle2ONNX) write an open dimension as -1, which ONNX Runtime takes, too. */
function declaredTensor(info: ValueInfoProto): DeclaredTensor {
  const tensor = declaredType(info);
  const dimensions = tensor?.shape?.dim;
  return {
    elementType: tensor?.elemType ?? TensorProto_DataType.UNDEFINED,
    shape: dimensions?.map(({ value }) =>
      value.case === 'dimValue' && value.value >= 0n ? Number(value.value) : null,
    ),
    symbols: dimensions?.map(({ value }) => (value.case === 'dimParam' ? value.value : '')) ?? [],
  };
}

/** Refuses attributes that a segment cannot contain: subgraphs, sparse weights and external data. */
function checkAttribute(attribute: AttributeProto): void {
  if (attribute.g || attribute.graphs.length) {
    throw new PackageError(
      'model.onnx has an operator with a subgraph (If, Loop or Scan); export it without control flow.',
    );
  }
  if (attribute.sparseTensor || attribute.sparseTensors.length) {
    throw new PackageError('model.onnx has sparse weights; export it with dense weights.');
  }
  for (const tensor of [attribute.t, ...attribute.tensors]) if (tensor) checkStored(tensor);
}

function checkStored(tensor: TensorProto): void {
  checkName(tensor.name);
  if (tensor.externalData.length || tensor.dataLocation !== TensorProto_DataLocation.DEFAULT) {
    throw new PackageError(
      `model.onnx keeps the data of tensor "${tensor.name}" in another file; save the model as one file.`,
    );
  }
}
