// A builder of TensorFlow's GraphDef that names its nodes.
// Neighbours: protobuf/saved_model.proto (the format), convert.ts (which builds graphs), and the writers of both engines.
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type AttrValueSchema,
  DataType,
  type NodeDef,
  NodeDefSchema,
  type TensorShapeProto,
  TensorShapeProtoSchema,
} from '../../protobuf/saved_model_pb.js';

/** What an attribute may be given as: text, a truth value, integers as a list, or one number or type. */
export type Attribute =
  | string
  | boolean
  | readonly number[]
  | { readonly i: number }
  | { readonly f: number }
  | { readonly type: DataType };

export interface GraphBuilder {
  /** In order of execution. */
  readonly nodes: readonly NodeDef[];
  /** An operation on float32. @returns its name, by which others take its first output */
  add(op: string, inputs: readonly string[], attributes?: Readonly<Record<string, Attribute>>): string;
  /** A float32 constant. */
  floats(values: Float32Array, shape: readonly number[]): string;
  /** An int32 constant; a list, if no other shape is given. */
  integers(values: readonly number[], shape?: readonly number[]): string;
  /** A float32 tensor that comes from outside, its first dimension of any size. */
  placeholder(shape: readonly number[]): string;
}

export function createGraphBuilder(): GraphBuilder {
  const nodes: NodeDef[] = [];

  /** ONNX allows names that TensorFlow does not, so nodes get names of their own. */
  function push(op: string, input: readonly string[], attr: Record<string, AttrValue>): string {
    const name = `${op}_${nodes.length}`;
    nodes.push(create(NodeDefSchema, { name, op, input: [...input], attr }));
    return name;
  }

  function constant(dtype: DataType, values: Float32Array | Int32Array, shape: readonly number[]): string {
    const tensorContent = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const tensor = { dtype, tensorShape: shapeProto(shape), tensorContent };
    return push('Const', [], {
      dtype: attribute({ type: dtype }),
      value: { value: { case: 'tensor', value: tensor } },
    });
  }

  return {
    nodes,
    add: (op, inputs, attributes = {}) =>
      push(op, inputs, {
        T: attribute({ type: DataType.DT_FLOAT }),
        ...Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, attribute(value)])),
      }),
    floats: (values, shape) => constant(DataType.DT_FLOAT, values, shape),
    integers: (values, shape = [values.length]) =>
      constant(DataType.DT_INT32, Int32Array.from(values), shape),
    placeholder: (shape) =>
      push('Placeholder', [], {
        dtype: attribute({ type: DataType.DT_FLOAT }),
        shape: { value: { case: 'shape', value: shapeProto([-1, ...shape]) } },
      }),
  };
}

export function shapeProto(shape: readonly number[]): TensorShapeProto {
  return create(TensorShapeProtoSchema, { dim: shape.map((size) => ({ size: BigInt(size) })) });
}

type AttrValue = MessageInitShape<typeof AttrValueSchema>;

function attribute(given: Attribute): AttrValue {
  if (typeof given === 'string') return { value: { case: 's', value: Buffer.from(given) } };
  if (typeof given === 'boolean') return { value: { case: 'b', value: given } };
  if ('type' in given) return { value: { case: 'type', value: given.type } };
  if ('f' in given) return { value: { case: 'f', value: given.f } };
  if ('i' in given) return { value: { case: 'i', value: BigInt(given.i) } };
  return { value: { case: 'list', value: { i: given.map(BigInt) } } };
}
