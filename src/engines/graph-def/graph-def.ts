// TensorFlow's GraphDef as plain objects, and a builder that names its nodes.
// Neighbours: descriptor.ts (the file format), convert.ts (which builds graphs), and the writers of both engines.

/** DataType of TensorFlow. */
export const tensorTypes = { float: 1, int32: 3 } as const;

export interface TensorShapeProto {
  readonly dim: readonly { readonly size: number }[];
}

export interface TensorProto {
  readonly dtype: number;
  readonly tensor_shape: TensorShapeProto;
  readonly tensor_content: Uint8Array;
}

export interface AttrValue {
  readonly s?: Uint8Array;
  readonly i?: number;
  readonly f?: number;
  readonly b?: boolean;
  readonly type?: number;
  readonly shape?: TensorShapeProto;
  readonly tensor?: TensorProto;
  readonly list?: { readonly i?: readonly number[]; readonly s?: readonly Uint8Array[] };
}

export interface NodeDef {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: Readonly<Record<string, AttrValue>>;
}

/** What an attribute may be given as: text, a truth value, integers as a list; `{ type }` and the like stay. */
export type Attribute = string | boolean | readonly number[] | AttrValue;

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
    nodes.push({ name, op, input, attr });
    return name;
  }

  function constant(dtype: number, values: Float32Array | Int32Array, shape: readonly number[]): string {
    const tensor_content = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const tensor = { dtype, tensor_shape: shapeProto(shape), tensor_content };
    return push('Const', [], { dtype: { type: dtype }, value: { tensor } });
  }

  return {
    nodes,
    add: (op, inputs, attributes = {}) =>
      push(op, inputs, {
        T: { type: tensorTypes.float },
        ...Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, attribute(value)])),
      }),
    floats: (values, shape) => constant(tensorTypes.float, values, shape),
    integers: (values, shape = [values.length]) =>
      constant(tensorTypes.int32, Int32Array.from(values), shape),
    placeholder: (shape) =>
      push('Placeholder', [], {
        dtype: { type: tensorTypes.float },
        shape: { shape: shapeProto([-1, ...shape]) },
      }),
  };
}

export function shapeProto(shape: readonly number[]): TensorShapeProto {
  return { dim: shape.map((size) => ({ size })) };
}

function attribute(value: Attribute): AttrValue {
  if (typeof value === 'string') return { s: Buffer.from(value) };
  if (typeof value === 'boolean') return { b: value };
  return isList(value) ? { list: { i: value } } : value;
}

function isList(value: readonly number[] | AttrValue): value is readonly number[] {
  return Array.isArray(value);
}
