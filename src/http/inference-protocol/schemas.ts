// The schemas of the Open Inference Protocol's REST form. Clients differ, so they are open to further members, and what
// is optional may be null.
import Type from 'typebox';
import { ref } from '../../foundation/schema-ref.js';
import { RequestParameters } from '../../inference-protocol/parameters.js';
import { inputDatatypes } from '../../inference-protocol/read-images.js';

/** Two types instead of a union of two schemas, for which some generators make no code. */
function orNull<Schema extends Type.TSchema & { readonly type: string }>(schema: Schema) {
  return Type.Optional(Type.Unsafe<Type.Static<Schema> | null>({ ...schema, type: [schema.type, 'null'] }));
}

const Extent = Type.Integer({ format: 'int64' });
const Shape = Type.Array(Extent, { description: 'Images first; -1 in metadata: of any number.' });
const Bytes = (description: string) => Type.Integer({ minimum: 0, format: 'int64', description });
const Data = Type.Array(Type.Unknown(), {
  description: 'The elements, row-major, flat or in nested arrays.',
});

export const InferenceInput = Type.Object(
  {
    name: Type.String({ description: 'image' }),
    datatype: Type.String({
      description: `${inputDatatypes.join(', ')}. BYTES are encoded images, in JSON as base64; UINT8 are RGB pixels; FP32 and FP16 are what the network itself takes.`,
    }),
    shape: Shape,
    parameters: orNull(
      Type.Object({
        binary_data_size: Type.Optional(Bytes('The tensor’s bytes behind the JSON, instead of data.')),
      }),
    ),
    data: orNull(Data),
  },
  { $id: 'InferenceInput' },
);

export const InferenceOutputRequest = Type.Object(
  {
    name: Type.String(),
    parameters: orNull(
      Type.Object({
        binary_data: Type.Optional(Type.Boolean({ description: 'Whether its bytes stand behind the JSON.' })),
        classification: Type.Optional(
          Type.Integer({
            minimum: 1,
            description: 'Report so many classes, as texts: probability:index:label.',
          }),
        ),
      }),
    ),
  },
  { $id: 'InferenceOutputRequest' },
);

export const InferenceRequest = Type.Object(
  {
    id: orNull(Type.String({ description: 'Comes back in the answer.' })),
    parameters: orNull(RequestParameters),
    inputs: Type.Array(ref(InferenceInput)),
    outputs: orNull(Type.Array(ref(InferenceOutputRequest), { description: 'Default: all.' })),
  },
  { $id: 'InferenceRequest' },
);
export type InferenceRequest = Type.Static<typeof InferenceRequest>;

export const InferenceOutput = Type.Object(
  {
    name: Type.String(),
    datatype: Type.String(),
    shape: Shape,
    parameters: Type.Optional(
      Type.Object({ binary_data_size: Bytes('The tensor’s bytes behind the JSON.') }),
    ),
    data: Type.Optional(Data),
  },
  { $id: 'InferenceOutput' },
);
export type InferenceOutput = Type.Static<typeof InferenceOutput>;

export const InferenceResponse = Type.Object(
  {
    model_name: Type.String(),
    model_version: Type.String(),
    id: Type.Optional(Type.String()),
    outputs: Type.Array(ref(InferenceOutput)),
  },
  { $id: 'InferenceResponse' },
);
export type InferenceResponse = Type.Static<typeof InferenceResponse>;

export const ServerMetadata = Type.Object(
  { name: Type.String(), version: Type.String(), extensions: Type.Array(Type.String()) },
  { $id: 'ServerMetadata' },
);

export const TensorMetadata = Type.Object(
  {
    name: Type.String(),
    datatype: Type.String(),
    shape: Shape,
    parameters: Type.Optional(
      Type.Object({ datatypes: Type.String({ description: 'All that are taken.' }) }),
    ),
  },
  { $id: 'TensorMetadata' },
);

export const ModelMetadata = Type.Object(
  {
    name: Type.String(),
    versions: Type.Array(Type.String()),
    platform: Type.String(),
    inputs: Type.Array(ref(TensorMetadata)),
    outputs: Type.Array(ref(TensorMetadata)),
  },
  { $id: 'ModelMetadata' },
);

export const ServerLive = Type.Object({ live: Type.Boolean() }, { $id: 'ServerLive' });
export const ServerReady = Type.Object({ ready: Type.Boolean() }, { $id: 'ServerReady' });
export const ModelReady = Type.Object({ name: Type.String(), ready: Type.Boolean() }, { $id: 'ModelReady' });

export const TensorConfiguration = Type.Object(
  {
    name: Type.String(),
    data_type: Type.String(),
    format: Type.Optional(Type.String()),
    dims: Type.Array(Extent, { description: 'Of one image.' }),
  },
  { $id: 'TensorConfiguration' },
);

export const ModelConfiguration = Type.Object(
  {
    name: Type.String(),
    platform: Type.String(),
    backend: Type.String(),
    max_batch_size: Type.Integer({ description: 'Most images of one request.' }),
    input: Type.Array(ref(TensorConfiguration)),
    output: Type.Array(ref(TensorConfiguration)),
  },
  {
    $id: 'ModelConfiguration',
    description: 'The part of Triton’s model configuration that its clients read.',
  },
);

export const StatisticDuration = Type.Object(
  { count: Type.Integer({ format: 'int64' }), ns: Type.Integer({ format: 'int64' }) },
  { $id: 'StatisticDuration' },
);
const duration = ref(StatisticDuration);

export const ModelStatistics = Type.Object(
  {
    name: Type.String(),
    version: Type.String(),
    inference_count: Type.Integer({ format: 'int64', description: 'Images answered, over every interface.' }),
    execution_count: Type.Integer({ format: 'int64', description: 'Engine calls.' }),
    inference_stats: Type.Object({
      success: duration,
      queue: duration,
      compute_input: duration,
      compute_infer: duration,
      compute_output: duration,
      cache_hit: duration,
      cache_miss: duration,
    }),
  },
  { $id: 'ModelStatistics' },
);

export const StatisticsList = Type.Object(
  { model_stats: Type.Array(ref(ModelStatistics)) },
  { $id: 'StatisticsList' },
);

export const RepositoryIndexRequest = Type.Object({
  ready: orNull(Type.Boolean({ description: 'Whether to leave out what cannot be served.' })),
});
export type RepositoryIndexRequest = Type.Static<typeof RepositoryIndexRequest>;

export const RepositoryModel = Type.Object(
  {
    name: Type.String(),
    version: Type.String(),
    state: Type.String({ description: 'READY or UNAVAILABLE.' }),
    reason: Type.String(),
  },
  { $id: 'RepositoryModel' },
);

export const RepositoryIndex = Type.Array(ref(RepositoryModel), { $id: 'RepositoryIndex' });

export const protocolSchemas = [
  InferenceInput,
  InferenceOutputRequest,
  InferenceRequest,
  InferenceOutput,
  InferenceResponse,
  ServerMetadata,
  TensorMetadata,
  ModelMetadata,
  ServerLive,
  ServerReady,
  ModelReady,
  TensorConfiguration,
  ModelConfiguration,
  StatisticDuration,
  ModelStatistics,
  StatisticsList,
  RepositoryModel,
  RepositoryIndex,
];
