// Stores a recording in the safetensors format, which Python also reads: an 8-byte little-endian length, a JSON header
// of that length, and the raw values. https://github.com/huggingface/safetensors
import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import Type from 'typebox';
import { Check } from 'typebox/value';
import { messageOf, UsageError } from '../../foundation/errors.js';
import type { Recording } from './recording.js';

const LENGTH_BYTES = 8;
const Extent = Type.Integer({ minimum: 0 });

const Header = Type.Object({
  __metadata__: Type.Object({
    model: Type.String(),
    modelSha256: Type.String(),
    // Missing in files of earlier versions.
    describedSha256: Type.Optional(Type.String()),
    dataSha256: Type.String(),
  }),
  logits: Type.Object({
    dtype: Type.Literal('F32'),
    shape: Type.Tuple([Extent, Extent, Extent]),
    data_offsets: Type.Tuple([Extent, Extent]),
  }),
  truth: Type.Optional(
    Type.Object({
      dtype: Type.Literal('I32'),
      shape: Type.Tuple([Extent]),
      data_offsets: Type.Tuple([Extent, Extent]),
    }),
  ),
});
type Header = Type.Static<typeof Header>;

export function encodeScores({ logits, truth, ...recording }: Recording): Uint8Array {
  const { images, exits, classes, model, modelSha256, describedSha256, dataSha256 } = recording;
  const end = logits.byteLength;
  const header: Header = {
    __metadata__: { model, modelSha256, describedSha256, dataSha256 },
    logits: { dtype: 'F32', shape: [images, exits, classes], data_offsets: [0, end] },
    ...(truth && {
      truth: { dtype: 'I32', shape: [images], data_offsets: [end, end + truth.byteLength] },
    }),
  };
  // The header is padded so that the values start at a multiple of 8 bytes.
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, ' ')]);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, padded, bytesOf(logits), ...(truth ? [bytesOf(truth)] : [])]);
}

/** @throws UsageError if the bytes are not recorded scores, or lack the hash of the preprocessing. */
export function decodeScores(bytes: Uint8Array): Recording {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = readHeader(file);
  const start = LENGTH_BYTES + Number(file.readBigUInt64LE());
  const values = (part: { shape: number[]; data_offsets: [number, number] }): ArrayBuffer => {
    const [from, to] = part.data_offsets;
    const size = 4 * part.shape.reduce((product, extent) => product * extent, 1);
    const copy = Uint8Array.from(file.subarray(start + from, start + to));
    if (copy.length !== size) throw new UsageError('The file of scores is truncated or damaged.');
    return copy.buffer;
  };
  const { __metadata__: metadata, logits, truth } = header;
  const { describedSha256 } = metadata;
  if (describedSha256 === undefined) {
    throw new UsageError(
      'The file of scores is of an earlier version and lacks the hash of its preprocessing: ' +
        'record anew, into another file.',
    );
  }
  const [images, exits, classes] = logits.shape;
  if (truth && truth.shape[0] !== images) throw new UsageError('The file of scores is damaged.');
  return {
    ...metadata,
    describedSha256,
    images,
    exits,
    classes,
    logits: new Float32Array(values(logits)),
    ...(truth && { truth: new Int32Array(values(truth)) }),
  };
}

/** Writes to a temporary name, then renames: no reader finds a partial file. @throws UsageError if that fails */
export async function writeScores(path: string, recording: Recording): Promise<void> {
  const part = `${path}.${randomUUID()}.part`;
  try {
    await writeFile(part, encodeScores(recording));
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw new UsageError(`The file of scores cannot be written: ${messageOf(error)}.`, { cause: error });
  }
}

/** @returns undefined if the file does not exist */
export async function readScores(path: string): Promise<Recording | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new UsageError(`The file of scores cannot be read: ${messageOf(error)}.`, { cause: error });
  }
  return decodeScores(bytes);
}

function readHeader(file: Buffer): Header {
  const length = file.length < LENGTH_BYTES ? -1 : Number(file.readBigUInt64LE());
  let header: unknown;
  try {
    header = JSON.parse(file.toString('utf8', LENGTH_BYTES, LENGTH_BYTES + length));
  } catch {
    header = undefined;
  }
  if (!Check(Header, header)) throw new UsageError('The file of scores is not one that calibrate wrote.');
  return header;
}

function bytesOf(values: Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
