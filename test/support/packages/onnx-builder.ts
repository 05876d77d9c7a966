// Small pieces for writing ONNX models by hand in tests.
import {
  type AttributeProto,
  attributeTypes,
  dataTypes,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from '../../../src/onnx/proto.js';

/** Numbers become integers; `{ float }` one float. */
export type AttributeValue =
  | number
  | readonly number[]
  | string
  | { float: number }
  | { tensor: TensorProto };

export function node(
  operator: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
): NodeProto {
  return {
    name: `make_${outputs[0]}`,
    op_type: operator,
    input: [...inputs],
    output: [...outputs],
    attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)),
  };
}

function attribute(name: string, value: AttributeValue): AttributeProto {
  if (typeof value === 'number') return { name, type: attributeTypes.int, i: value };
  if (typeof value === 'string') return { name, type: attributeTypes.string, s: Buffer.from(value) };
  if ('float' in value) return { name, type: attributeTypes.float, f: value.float };
  if ('tensor' in value) return { name, type: attributeTypes.tensor, t: value.tensor };
  return { name, type: attributeTypes.ints, ints: [...value] };
}

export function floatTensor(name: string, dims: readonly number[], values: Iterable<number>): TensorProto {
  const data = Float32Array.from(values);
  return { name, dims: [...dims], data_type: dataTypes.float, raw_data: new Uint8Array(data.buffer) };
}

export function intTensor(name: string, values: readonly number[], dims = [values.length]): TensorProto {
  return { name, dims, data_type: dataTypes.int64, int64_data: [...values] };
}

/** A float32 tensor; strings are dynamic dimensions. */
export function tensorInfo(name: string, dims: readonly (number | string)[]): ValueInfoProto {
  const dim = dims.map((one) => (typeof one === 'number' ? { dim_value: one } : { dim_param: one }));
  return { name, type: { tensor_type: { elem_type: dataTypes.float, shape: { dim } } } };
}

export interface ModelParts {
  readonly nodes: NodeProto[];
  readonly initializers?: TensorProto[];
  readonly inputs: ValueInfoProto[];
  readonly outputs: ValueInfoProto[];
  readonly described?: ValueInfoProto[];
  readonly opset?: number;
}

export function modelOf({
  nodes,
  initializers = [],
  inputs,
  outputs,
  described = [],
  opset = 17,
}: ModelParts): ModelProto {
  return {
    ir_version: 8,
    producer_name: 'rdi-serve tests',
    opset_import: [{ domain: '', version: opset }],
    graph: {
      name: 'test',
      node: nodes,
      initializer: initializers,
      input: inputs,
      output: outputs,
      value_info: described,
    },
  };
}
