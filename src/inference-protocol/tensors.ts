// Tensors of the Open Inference Protocol, as both of its forms, REST and gRPC, carry them: as single values, or as raw
// bytes, which are little-endian and row-major.
import { Failure } from '../foundation/errors.js';

export interface InputTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  /** Whether the elements of BYTES are texts in base64, as those of JSON always are. */
  readonly isBase64?: boolean;
  readonly content: TensorContent;
}

export type TensorContent =
  | { readonly raw: Uint8Array }
  /** In row-major order; of JSON perhaps nested, an array for each axis. */
  | { readonly values: readonly unknown[] };

export type OutputDatatype = 'BOOL' | 'INT32' | 'INT64' | 'FP32' | 'BYTES';

export interface OutputTensor {
  readonly name: string;
  readonly datatype: OutputDatatype;
  readonly shape: readonly number[];
  /** Booleans of BOOL, texts of BYTES, else numbers. */
  readonly values: readonly (number | boolean | string)[];
}

/** A name or a shape of a request as its failure shows it: short, however long it is. */
export function shown(value: string | readonly number[]): string {
  const isLong = value.length > MOST_SHOWN;
  return `${JSON.stringify(value.slice(0, MOST_SHOWN))}${isLong ? ' and so on' : ''}`;
}

const MOST_SHOWN = 64;

/** Bytes in front of each element of BYTES: its length. */
const LENGTH_BYTES = 4;

/** The raw bytes of outputs, one after another, and how many each has. */
export function rawBytesOf(outputs: readonly OutputTensor[]): { bytes: Buffer; sizes: number[] } {
  const sizes = outputs.map(rawSizeOf);
  const bytes = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + size, 0));
  let at = 0;
  for (const { datatype, values } of outputs) {
    for (const value of values) at = write[datatype](bytes, value as never, at);
  }
  return { bytes, sizes };
}

/** Bytes of an element. */
const sizeOf = { BOOL: 1, INT32: 4, INT64: 8, FP32: 4 } as const;

function rawSizeOf({ datatype, values }: OutputTensor): number {
  if (datatype !== 'BYTES') return values.length * sizeOf[datatype];
  return values.reduce<number>((sum, text) => sum + LENGTH_BYTES + Buffer.byteLength(text as string), 0);
}

/** Write an element. @returns where the next one stands */
const write = {
  BOOL: (bytes: Buffer, value: boolean, at: number) => bytes.writeUInt8(Number(value), at),
  INT32: (bytes: Buffer, value: number, at: number) => bytes.writeInt32LE(value, at),
  INT64: (bytes: Buffer, value: number, at: number) => bytes.writeBigInt64LE(BigInt(value), at),
  FP32: (bytes: Buffer, value: number, at: number) => bytes.writeFloatLE(value, at),
  BYTES(bytes: Buffer, text: string, at: number) {
    const start = at + LENGTH_BYTES;
    const length = bytes.write(text, start);
    bytes.writeUInt32LE(length, at);
    return start + length;
  },
};

/**
 * The elements of BYTES, each behind its length; views, not copies.
 * @param count how many there must be
 * @throws Failure `invalid-body`
 */
export function splitBytes(raw: Uint8Array, count: number): Uint8Array[] {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const elements: Uint8Array[] = [];
  let at = 0;
  while (elements.length < count) {
    const start = at + LENGTH_BYTES;
    const end = start <= raw.length ? start + view.getUint32(at, true) : Number.POSITIVE_INFINITY;
    if (end > raw.length) {
      throw new Failure(
        'invalid-body',
        `The ${raw.length} bytes of this BYTES tensor end within element ${elements.length} of ${count}: ` +
          'each element is led by its length, in 4 bytes, little-endian.',
      );
    }
    elements.push(raw.subarray(start, end));
    at = end;
  }
  if (at < raw.length) {
    throw new Failure(
      'invalid-body',
      `This BYTES tensor has ${raw.length - at} bytes behind its ${count} elements, as many as its shape says.`,
    );
  }
  return elements;
}
