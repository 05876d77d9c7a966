// From the bytes of a message to the message. A message in a message may take two bytes, and some hundred in memory. So
// they are counted first.
import {
  type DescField,
  type DescMessage,
  fromBinary,
  type MessageShape,
  ScalarType,
} from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { Failure, messageOf } from '../../foundation/errors.js';

/** What this server does not know of a message, it does not keep. */
const OPTIONS = { readUnknownFields: false };

/** Most messages, texts, byte strings and 64-bit integers in a message. Valid ones have few, or one for each image. */
const MOST_OBJECTS = 2 ** 17;

/** @throws Failure `invalid-body` */
export function decodeMessage<Schema extends DescMessage>(
  schema: Schema,
  bytes: Uint8Array,
): MessageShape<Schema> {
  try {
    if (bytes.length > MOST_OBJECTS) countObjects(new BinaryReader(bytes), bytes.length, schema, 0);
    return fromBinary(schema, bytes, OPTIONS);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure('invalid-body', `The message is no ${schema.typeName}: ${messageOf(error)}.`, {
      cause: error,
    });
  }
}

/** @param before objects that were found before. @returns with those found */
function countObjects(reader: BinaryReader, end: number, schema: DescMessage, before: number): number {
  let found = before;
  while (reader.pos < end) {
    const [number, wireType] = reader.tag();
    const field = schema.fields.find((one) => one.number === number);
    if (field === undefined || wireType !== WireType.LengthDelimited) {
      reader.skip(wireType, number);
      if (field && isObject(field)) found++;
    } else {
      const length = reader.uint32();
      const to = reader.pos + length;
      if (to > end) throw new RangeError('a length is beyond the end');
      const inner = field.fieldKind === 'list' || field.fieldKind === 'message' ? field.message : undefined;
      // An entry of a map: itself and its value.
      if (field.fieldKind === 'map') found += 2;
      else if (inner) found = countObjects(reader, to, inner, found + 1);
      else found += isPacked(field) ? (isObject(field) ? length : 0) : 1;
      reader.pos = to;
    }
    if (found > MOST_OBJECTS) {
      throw new Failure(
        'invalid-body',
        'The message has far more structure than any call of this server expects.',
      );
    }
  }
  return found;
}

const bigScalars = new Set([
  ScalarType.INT64,
  ScalarType.UINT64,
  ScalarType.SINT64,
  ScalarType.FIXED64,
  ScalarType.SFIXED64,
]);

/** Whether one value of the field is more than a number in an array. */
function isObject({ scalar }: DescField): boolean {
  return scalar !== undefined && bigScalars.has(scalar);
}

function isPacked({ scalar }: DescField): boolean {
  return scalar !== undefined && scalar !== ScalarType.STRING && scalar !== ScalarType.BYTES;
}
