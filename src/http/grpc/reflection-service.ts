// grpc.reflection: what this server's services and messages look like, for tools such as grpcurl.
import {
  createRegistry,
  type DescFile,
  type DescService,
  type MessageInitShape,
  toBinary,
} from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import {
  ServerReflection,
  type ServerReflectionRequest,
  ServerReflectionRequestSchema,
  ServerReflectionResponseSchema,
} from '../../protobuf/grpc_reflection_pb.js';
import { decodeMessage } from './decode-message.js';
import { type Exchange, encode, type Method, stream } from './method.js';

/** The older name of the same service, with the same messages, which older tools ask. */
const OLDER_SERVICE = 'grpc.reflection.v1alpha.ServerReflection';
/** gRPC's status codes, as numbers. */
const [INVALID_ARGUMENT, NOT_FOUND] = [3, 5];

type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>['messageResponse']>;

/** @param others the services that it tells of, beside itself */
export function reflectionMethods(others: readonly DescService[]): Method[] {
  const services = [...others, ServerReflection];
  const tell = createTeller(services);

  async function reflect({ receiver, send }: Exchange): Promise<void> {
    for (let message = await receiver.next(); message; message = await receiver.next()) {
      try {
        const request = decodeMessage(ServerReflectionRequestSchema, message.bytes);
        const answer = { validHost: request.host, originalRequest: request, messageResponse: tell(request) };
        await send(encode(ServerReflectionResponseSchema, answer));
      } finally {
        message.leave();
      }
    }
  }

  const method = stream(ServerReflection.method.serverReflectionInfo, reflect);
  return [method, { ...method, service: OLDER_SERVICE }];
}

function createTeller(services: readonly DescService[]) {
  const files = [...new Set(services.map(({ file }) => file))];
  const registry = createRegistry(...files);

  /** A type, or a method or field of one. */
  function fileOf(symbol: string): DescFile | undefined {
    const dot = symbol.lastIndexOf('.');
    const owner = registry.get(symbol.slice(0, Math.max(dot, 0)));
    const member = symbol.slice(dot + 1);
    const has = (names: readonly { readonly name: string }[]) => names.some(({ name }) => name === member);
    if (owner?.kind === 'service' && has(owner.methods)) return owner.file;
    if (owner?.kind === 'message' && has(owner.fields)) return owner.file;
    return registry.get(symbol)?.file;
  }

  function file(found: DescFile | undefined, what: string): Answer {
    if (!found) return failure(NOT_FOUND, `There is no ${what} here.`);
    const fileDescriptorProto = [toBinary(FileDescriptorProtoSchema, found.proto)];
    return { case: 'fileDescriptorResponse', value: { fileDescriptorProto } };
  }

  return ({ messageRequest: { case: kind, value } }: ServerReflectionRequest): Answer => {
    switch (kind) {
      case 'listServices':
        return {
          case: 'listServicesResponse',
          value: { service: services.map(({ typeName }) => ({ name: typeName })) },
        };
      case 'fileByFilename':
        return file(
          files.find(({ proto }) => proto.name === value),
          `file ${shown(value)}`,
        );
      case 'fileContainingSymbol':
        return file(fileOf(value), `symbol ${shown(value)}`);
      case 'allExtensionNumbersOfType':
        if (registry.getMessage(value)) {
          return { case: 'allExtensionNumbersResponse', value: { baseTypeName: value } };
        }
        return failure(NOT_FOUND, `There is no message ${shown(value)} here.`);
      case 'fileContainingExtension':
        return failure(NOT_FOUND, 'There are no extensions here.');
      default:
        return failure(INVALID_ARGUMENT, 'The request asks nothing.');
    }
  };
}

function failure(errorCode: number, errorMessage: string): Answer {
  return { case: 'errorResponse', value: { errorCode, errorMessage } };
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 128));
}
