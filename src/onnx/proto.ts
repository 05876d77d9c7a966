// ONNX files as messages: reading and writing them with protobuf-es and the code that it makes of ONNX's own schema.
// What a file holds beyond that schema survives a round trip: unknown fields, and numbers of unknown enumeration values.
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { messageOf, PackageError } from '../foundation/errors.js';
import {
  AttributeProto_AttributeTypeSchema,
  type ModelProto,
  ModelProtoSchema,
  TensorProto_DataLocationSchema,
} from '../protobuf/onnx-ml_pb.js';

// ONNX may be read as proto3, too, whose enumerations are open: newer values are read as the numbers that they are. Closed ones
// protobuf-es (2.17.0) loses if the same message also has fields that it does not know.
for (const schema of [AttributeProto_AttributeTypeSchema, TensorProto_DataLocationSchema]) {
  Object.assign(schema, { open: true });
}

/** Bytes of the model; tensors' raw data is not copied. @throws PackageError if they are no protobuf of an ONNX model. */
export function decodeModel(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    throw new PackageError(`model.onnx is not an ONNX model: ${messageOf(error)}.`, { cause: error });
  }
}

/** @param model a message, or what `create` makes one of */
export function encodeModel(model: MessageInitShape<typeof ModelProtoSchema>): Uint8Array {
  return toBinary(ModelProtoSchema, create(ModelProtoSchema, model));
}
