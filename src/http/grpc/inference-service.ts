// inference.GRPCInferenceService: the gRPC form of the Open Inference Protocol, with Triton's extensions.
import { Failure } from '../../foundation/errors.js';
import {
  describeConfiguration,
  describeMetadata,
  describeServer,
  indexRepository,
} from '../../inference-protocol/describe-model.js';
import { admitInference } from '../../inference-protocol/infer.js';
import type { ImageLimits, InputDatatype } from '../../inference-protocol/read-images.js';
import { type Duration, statisticsOf } from '../../inference-protocol/statistics.js';
import {
  DataType,
  GRPCInferenceService,
  type ModelInferRequest,
  ModelInput_Format,
} from '../../protobuf/open_inference_pb.js';
import type { Classifier } from '../../serving/classifier.js';
import type { Metrics } from '../../telemetry/metrics.js';
import { callerOf } from '../connections/client-name.js';
import type { Disclosure } from '../privacy/disclosure.js';
import { isReady } from '../routes/health.js';
import { readInferRequest, writeEqualLength, writeInferResponse } from './infer-messages.js';
import { inferStream } from './infer-stream.js';
import { type Call, type Method, stream, unary } from './method.js';

export interface InferenceServiceOptions {
  readonly classifier: Classifier;
  readonly disclosure: Disclosure;
  readonly metrics: Metrics;
  readonly limits: ImageLimits;
  /** Of images, that metadata name. */
  readonly datatype: InputDatatype;
  /** Places for images in flight. */
  readonly places: number;
  readonly isDraining: () => boolean;
}

export function inferenceMethods(options: InferenceServiceOptions): Method[] {
  const { classifier, disclosure, limits } = options;
  const isStrict = disclosure.mode === 'strict';
  const telling = { isStrict, of: disclosure.of };
  const write = isStrict ? writeEqualLength : writeInferResponse;
  const { method } = GRPCInferenceService;
  const modelOf = ({ name, version }: { readonly name: string; readonly version: string }) => {
    if (name === '') throw new Failure('invalid-body', 'The request names no model.');
    return classifier.catalog.find(name, version || undefined);
  };

  async function infer(request: ModelInferRequest, { client, address, signal, timeline }: Call) {
    const caller = callerOf(classifier, client, address);
    const inference = admitInference(readInferRequest(request), classifier, limits, telling, client, caller);
    return write(await inference.run(signal, timeline), request.id);
  }

  return [
    unary(method.serverLive, () => ({ live: true }), { isProbe: true }),
    unary(method.serverReady, () => ({ ready: isReady(options) }), { isProbe: true }),
    unary(method.modelReady, (request) => {
      modelOf(request);
      return { ready: isReady(options) };
    }),
    unary(method.serverMetadata, () => describeServer(isStrict), { traced: 'call' }),
    unary(
      method.modelMetadata,
      (request) => {
        const { inputs, outputs, ...model } = describeMetadata(
          modelOf(request),
          classifier.catalog,
          options.datatype,
          isStrict,
        );
        return { ...model, inputs: inputs.map(withBigShape), outputs: outputs.map(withBigShape) };
      },
      { traced: 'call' },
    ),
    unary(method.modelInfer, infer, { traced: 'call', isCharged: true }),
    stream(method.modelStreamInfer, inferStream(infer, options.places), { traced: 'messages' }),
    ...tritonMethods(options, modelOf),
  ];
}

/** Triton's extensions. */
function tritonMethods(
  { classifier, disclosure, metrics, limits, datatype }: InferenceServiceOptions,
  modelOf: (request: {
    readonly name: string;
    readonly version: string;
  }) => ReturnType<Classifier['catalog']['find']>,
): Method[] {
  const { method } = GRPCInferenceService;
  const isStrict = disclosure.mode === 'strict';
  return [
    unary(
      method.modelConfig,
      (request) => {
        const { input, output, max_batch_size, ...model } = describeConfiguration(
          modelOf(request),
          limits.maxBatchImages,
          datatype,
          isStrict,
        );
        return {
          config: {
            ...model,
            maxBatchSize: max_batch_size,
            input: input.map(({ name, data_type, format, dims }) => ({
              name,
              dataType: DataType[data_type],
              format: formats[format],
              dims: dims.map(BigInt),
            })),
            output: output.map(({ name, data_type, dims }) => ({
              name,
              dataType: DataType[data_type],
              dims: dims.map(BigInt),
            })),
          },
        };
      },
      { traced: 'call' },
    ),
    unary(method.modelStatistics, async (request) => {
      if (isStrict) throw new Failure('not-found', 'A server with privacy strict has no statistics.');
      const models = request.name === '' ? classifier.catalog.models : [modelOf(request)];
      const statistics = await Promise.all(models.map((model) => statisticsOf(model, metrics)));
      return { modelStats: statistics.map(statisticsMessage) };
    }),
    unary(
      method.repositoryIndex,
      ({ ready }) => ({ models: indexRepository(classifier.catalog, classifier.refused(), ready) }),
      { traced: 'call' },
    ),
  ];
}

const formats = {
  FORMAT_NONE: ModelInput_Format.NONE,
  FORMAT_NCHW: ModelInput_Format.NCHW,
  FORMAT_NHWC: ModelInput_Format.NHWC,
};

function statisticsMessage({
  name,
  version,
  inference_count,
  execution_count,
  inference_stats,
}: Awaited<ReturnType<typeof statisticsOf>>) {
  const { success, queue, compute_input, compute_infer, compute_output, cache_hit, cache_miss } =
    inference_stats;
  return {
    name,
    version,
    inferenceCount: BigInt(inference_count),
    executionCount: BigInt(execution_count),
    inferenceStats: {
      success: big(success),
      queue: big(queue),
      computeInput: big(compute_input),
      computeInfer: big(compute_infer),
      computeOutput: big(compute_output),
      cacheHit: big(cache_hit),
      cacheMiss: big(cache_miss),
    },
  };
}

function big({ count, ns }: Duration) {
  return { count: BigInt(count), ns: BigInt(ns) };
}

function withBigShape({
  name,
  datatype,
  shape,
}: {
  name: string;
  datatype: string;
  shape: readonly number[];
}) {
  return { name, datatype, shape: shape.map(BigInt) };
}
