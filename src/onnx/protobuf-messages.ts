// Protobuf message types from tables of fields, so that a format is described by data instead of generated code.
// Neighbours: onnx/descriptor.ts and engines/graph-def/descriptor.ts, which hold such tables.
import protobuf from 'protobufjs/light.js';

/** `map`: from strings to `type`. */
type Kind = 'repeated' | 'packed' | 'map';

/** The fields of one message: number in the format, type, and kind if it is no single value. */
export type FieldTable = Readonly<Record<string, readonly [id: number, type: string, kind?: Kind]>>;

/** The message type `name` of a format with these messages. */
export function messageType(messages: Readonly<Record<string, FieldTable>>, name: string): protobuf.Type {
  return protobuf.Root.fromJSON({
    nested: Object.fromEntries(
      Object.entries(messages).map(([message, fields]) => [message, descriptorOf(fields)]),
    ),
  }).lookupType(name);
}

/** The edition matters: proto2 writes a field that is set to its default, which ONNX attributes rely on. */
function descriptorOf(fields: FieldTable): protobuf.IType & { edition: string } {
  return {
    edition: 'proto2',
    fields: Object.fromEntries(
      Object.entries(fields).map(([name, [id, type, kind]]) => [
        name,
        {
          id,
          type,
          ...(kind === 'map' && { keyType: 'string' }),
          ...((kind === 'repeated' || kind === 'packed') && { rule: 'repeated' }),
          ...(kind === 'packed' && { options: { packed: true } }),
        },
      ]),
    ),
  };
}
