// Decodes and encodes ONNX files with protobuf-es and the code that it generates from ONNX's own schema.
// A round trip keeps what the schema does not know: fields, and the numbers of enumeration values.
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { messageOf, PackageError } from '../foundation/errors.js';
import {
  AttributeProto_AttributeTypeSchema,
  type ModelProto,
  ModelProtoSchema,
  TensorProto_DataLocationSchema,
} from '../protobuf/onnx-ml_pb.js';

// ONNX may also be read as proto3. Its enumerations are open: a newer value is read as its number. In a closed
// enumeration, protobuf-es (2.17.0) loses a newer value if the same message also has unknown fields.
for (const schema of [AttributeProto_AttributeTypeSchema, TensorProto_DataLocationSchema]) {
  Object.assign(schema, { open: true });
}

/** Does not copy the raw data of tensors. @throws PackageError if `bytes` are not an ONNX model */
export function decodeModel(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    throw notAModel(bytes, messageOf(error), error);
  }
}

/** @param reason why no graph can be read from `bytes` */
export function notAModel({ length }: Uint8Array, reason: string, cause?: unknown): PackageError {
  return new PackageError(
    `model.onnx is not an ONNX model, or only a part of one: it has ${length} bytes (${reason}). ` +
      'If it was copied or downloaded, compare its size with the original’s; otherwise export it again.',
    { cause },
  );
}

/** @param model a message, or an object from which `create` makes one */
export function encodeModel(model: MessageInitShape<typeof ModelProtoSchema>): Uint8Array {
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, model));
}
