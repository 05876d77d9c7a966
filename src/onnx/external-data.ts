// Weights that an ONNX model stores in external files: lists these files, and puts their bytes into the model.
// Related: packages/importing/read-model.ts, which reads the files.
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

/** Bytes per element, by TensorProto.DataType. Strings, and types smaller than a byte, have no entry. */
const elementBytes: ReadonlyMap<number, number> = new Map([
  ...[2, 3, 9, 17, 18, 19, 20, 24].map((type): [number, number] => [type, 1]),
  ...[4, 5, 10, 16].map((type): [number, number] => [type, 2]),
  ...[1, 6, 12].map((type): [number, number] => [type, 4]),
  ...[7, 11, 13, 14].map((type): [number, number] => [type, 8]),
  [15, 16],
]);

/**
 * Maximum bytes of an ONNX file, a limit of the format. Tensors may share bytes of an external file. In the model, each
 * tensor has its own copy.
 */
export const LARGEST_MODEL = 2 ** 31 - 1;

interface Place {
  readonly location: string;
  readonly offset: number;
  /** undefined: to the end of the file. */
  readonly length: number | undefined;
}

/** Names of the external files as in the model, without duplicates. */
export function externalFiles(model: ModelProto): string[] {
  const places = externalTensors(model).map((tensor) => placeOf(tensor).location);
  return [...new Set(places)];
}

/**
 * Puts the bytes of every external tensor into the model itself.
 * @param files contents, by the names that `externalFiles` returns
 * @throws PackageError if a file does not have the bytes of a tensor, or if all weights together are too large
 */
export function takeInExternalData(model: ModelProto, files: ReadonlyMap<string, Uint8Array>): void {
  let total = 0;
  for (const tensor of externalTensors(model)) {
    const { location, offset, length } = placeOf(tensor);
    const file = files.get(location) ?? new Uint8Array();
    const end = offset + (length ?? Math.max(0, file.length - offset));
    const expected = bytesOf(tensor);
    if (end > file.length || (expected !== undefined && end - offset !== expected)) {
      const needed =
        expected === undefined || end > file.length
          ? ''
          : `; the shape of the tensor needs ${expected} bytes`;
      throw new PackageError(
        `model.onnx: tensor "${tensor.name}" takes the bytes ${offset} to ${end} of ${location}, ` +
          `which has ${file.length} bytes${needed}. Export the model again, or copy both files again.`,
      );
    }
    total += end - offset;
    if (total > LARGEST_MODEL) {
      throw new PackageError(
        'model.onnx: the weights have more than 2 GiB in total; an ONNX file holds at most 2 GiB.',
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
      `model.onnx: the ${key} of tensor "${tensor.name}" in its external file is not a number of bytes.`,
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
