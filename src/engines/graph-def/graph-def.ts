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
  /**
   * An operation on float32.
   * @param attributes beside T, the type; `T: undefined` leaves it out
   * @returns its name, by which others take its first output
   */
  add(
    op: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, Attribute | undefined>>,
  ): string;
  /** Axis i of the result is axis `order[i]`. Two transpositions in a row become one, or none. */
  transpose(node: string, order: readonly number[]): string;
  /** A float32 constant. */
  floats(values: Float32Array, shape: readonly number[]): string;
  /** An int32 constant; a list, if no other shape is given. */
  integers(values: readonly number[], shape?: readonly number[]): string;
  /** A constant of truth values: 0 is false. */
  booleans(values: ArrayLike<number>, shape: readonly number[]): string;
  /** A float32 tensor that comes from outside, its first dimension of any size. */
  placeholder(shape: readonly number[]): string;
}

export function createGraphBuilder(): GraphBuilder {
  const nodes: NodeDef[] = [];
  const transposed = new Map<string, { readonly of: string; readonly order: readonly number[] }>();

  /** ONNX allows names that TensorFlow does not, so nodes get names of their own. */
  function push(op: string, input: readonly string[], attr: Record<string, AttrValue>): string {
    const name = `${op}_${nodes.length}`;
    nodes.push(create(NodeDefSchema, { name, op, input: [...input], attr }));
    return name;
  }

  function constant(
    dtype: DataType,
    values: Float32Array | Int32Array | Uint8Array,
    shape: readonly number[],
  ): string {
    const tensorContent = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const tensor = { dtype, tensorShape: shapeProto(shape), tensorContent };
    return push('Const', [], {
      dtype: attribute({ type: dtype }),
      value: { value: { case: 'tensor', value: tensor } },
    });
  }

  const add: GraphBuilder['add'] = (op, inputs, attributes = {}) => {
    const given = Object.entries({ T: { type: DataType.DT_FLOAT }, ...attributes });
    const attr = given.flatMap(([name, value]) => (value === undefined ? [] : [[name, attribute(value)]]));
    return push(op, inputs, Object.fromEntries(attr));
  };
  const integers: GraphBuilder['integers'] = (values, shape = [values.length]) =>
    constant(DataType.DT_INT32, Int32Array.from(values), shape);

  return {
    nodes,
    add,
    transpose(node, order) {
      const first = transposed.get(node);
      const whole = first ? order.map((axis) => first.order[axis] as number) : order;
      const source = first?.of ?? node;
      if (whole.every((axis, index) => axis === index)) return source;
      const name = add('Transpose', [source, integers(whole)], { Tperm: { type: DataType.DT_INT32 } });
      transposed.set(name, { of: source, order: whole });
      return name;
    },
    floats: (values, shape) => constant(DataType.DT_FLOAT, values, shape),
    integers,
    booleans: (values, shape) =>
      constant(
        DataType.DT_BOOL,
        Uint8Array.from(values, (value) => (value === 0 ? 0 : 1)),
        shape,
      ),
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
