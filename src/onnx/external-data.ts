// Weights that an ONNX file keeps in other files: which files, and taking their bytes in.
// Neighbours: proto.ts; packages/importing/read-model.ts, which reads the files.
import { clearField } from '@bufbuild/protobuf';
import { PackageError } from '../foundation/errors.js';
import {
  type AttributeProto,
  type ModelProto,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from '../protobuf/onnx-ml_pb.js';
import { tensorDimensions } from './attributes.js';

/** Bytes of one element, by TensorProto.DataType; types that share bytes are not there. */
const elementBytes: ReadonlyMap<number, number> = new Map([
  ...[2, 3, 9, 17, 18, 19, 20, 24].map((type): [number, number] => [type, 1]),
  ...[4, 5, 10, 16].map((type): [number, number] => [type, 2]),
  ...[1, 6, 12].map((type): [number, number] => [type, 4]),
  ...[7, 11, 13, 14].map((type): [number, number] => [type, 8]),
  [15, 16],
]);

/** What one ONNX file can hold: the limit of its format. Tensors may share bytes of a file; in the model each has its own. */
export const LARGEST_MODEL = 2 ** 31 - 1;

interface Place {
  readonly location: string;
  readonly offset: number;
  /** undefined: to the end of the file. */
  readonly length: number | undefined;
}

/** The files, as the model names them, each once. */
export function externalFiles(model: ModelProto): string[] {
  const places = externalTensors(model).map((tensor) => placeOf(tensor).location);
  return [...new Set(places)];
}

/**
 * Puts every tensor's bytes into the model itself.
 * @param files content, by the names that `externalFiles` gives.
 * @throws PackageError that names the tensor whose bytes are not in its file.
 */
export function takeInExternalData(model: ModelProto, files: ReadonlyMap<string, Uint8Array>): void {
  let total = 0;
  for (const tensor of externalTensors(model)) {
    const { location, offset, length } = placeOf(tensor);
    const file = files.get(location) ?? new Uint8Array();
    const end = offset + (length ?? Math.max(0, file.length - offset));
    const expected = bytesOf(tensor);
    if (end > file.length || (expected !== undefined && end - offset !== expected)) {
      const needed = expected === undefined || end > file.length ? '' : ` and needs ${expected} bytes`;
      throw new PackageError(
        `model.onnx: tensor "${tensor.name}" takes the bytes ${offset} to ${end} of ${location}, ` +
          `which has ${file.length}${needed}. Export the model again, or copy both files again.`,
      );
    }
    total += end - offset;
    if (total > LARGEST_MODEL) {
      throw new PackageError(
        'model.onnx: its weights take more than 2 GiB together, which one ONNX file cannot hold.',
      );
    }
    tensor.rawData = file.subarray(offset, end);
    tensor.externalData = [];
    clearField(tensor, TensorProtoSchema.field.dataLocation);
  }
}

function bytesOf(tensor: TensorProto): number | undefined {
  const size = elementBytes.get(tensor.dataType);
  return size && tensorDimensions(tensor).reduce((product, extent) => product * extent, size);
}

function placeOf(tensor: TensorProto): Place {
  const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
  const number = (key: string): number | undefined => {
    const text = entries.get(key);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
    throw new PackageError(
      `model.onnx: the ${key} of tensor "${tensor.name}" in another file is not a number of bytes.`,
    );
  };
  const location = (entries.get('location') ?? '').replace(/^(\.\/)+/, '');
  return { location, offset: number('offset') ?? 0, length: number('length') };
}

function externalTensors(model: ModelProto): TensorProto[] {
  const { graph, functions } = model;
  const nodes = [...(graph?.node ?? []), ...functions.flatMap(({ node }) => node)];
  const attributes = [
    ...nodes.flatMap(({ attribute }) => attribute),
    ...functions.flatMap(({ attributeProto }) => attributeProto),
  ];
  const tensors = [...(graph?.initializer ?? []), ...attributes.flatMap(tensorsOf)];
  return tensors.filter(
    ({ dataLocation, externalData }) =>
      dataLocation === TensorProto_DataLocation.EXTERNAL && externalData.length > 0,
  );
}

function tensorsOf({ t, tensors }: AttributeProto): TensorProto[] {
  return t ? [t, ...tensors] : tensors;
}
