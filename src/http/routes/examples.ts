// Examples for the OpenAPI document, by the name of the schema. Swagger UI and mock servers show them.
import type { Static } from 'typebox';
import type { PrivacyMode } from '../../config/settings.js';
import type { Prediction } from '../../serving/prediction.js';
import type { Problem } from '../problems.js';
import type { Model, ModelList } from './models.js';
import type { SlowdownClient } from './slowdown.js';

const prediction: Prediction = {
  label: '7',
  classIndex: 7,
  confidence: 0.998,
  top: [{ label: '7', classIndex: 7, probability: 0.998 }],
  model: { name: 'mnist-smallcnn', version: '2' },
  profile: 'balanced',
  exit: { index: 0, name: 'exit-1', of: 3, score: 0.00599, threshold: 0.156, reason: 'confident' },
  flops: { executed: 1_201_664, full: 19_904_800, saved: 18_703_136 },
  timing: { decodeMs: 0.1, queueMs: 0.04, inferMs: 0.35, totalMs: 0.9 },
  certified: true,
};

const explanation = {
  policy: 'entropy' as const,
  exits: [
    {
      index: 0,
      name: 'exit-1',
      score: 0.00599,
      threshold: 0.156,
      cleared: true,
      flops: 1_201_664,
      top: [{ label: '7', classIndex: 7, probability: 0.998 }],
    },
  ],
};

const problem: Problem = {
  type: 'urn:rdi-serve:problem:invalid-query',
  title: 'A query parameter is not acceptable',
  status: 400,
  detail: 'topK: mnist-smallcnn/2 has only 10 classes.',
  requestId: '0f6c8f5e-3f0f-4f0e-8a57-8f1a8e8f5f4d',
};

const audit = {
  epsilon: 0.005,
  evidence: 0.2,
  alarm: false,
  agreed: 310,
  differed: 1,
  failed: 0,
  dropped: 0,
};

const model: Static<typeof Model> = {
  name: 'mnist-smallcnn',
  version: '2',
  isDefault: true,
  description: 'Handwritten digits.',
  licence: 'Apache-2.0',
  engine: { name: 'onnx', device: 'cpu' },
  input: { height: 28, width: 28, channels: 1, resize: 'fill', polarity: 'auto' },
  expects: 'One handwritten digit, centred, white on black. Black on white is inverted.',
  examples: [{ file: 'digit-7.png', label: '7', description: 'An easy 7' }],
  classes: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  flops: 19_904_800,
  exits: [
    { index: 0, name: 'exit-1', flops: { stage: 1_000_000, head: 201_664, cumulative: 1_201_664 } },
    { index: 1, name: 'final', flops: { stage: 18_904_800, head: 0, cumulative: 20_106_464 } },
  ],
  defaultProfile: 'balanced',
  profiles: [
    {
      name: 'balanced',
      description: 'At most 0.5 % of answers differ from the full network’s.',
      policy: 'entropy',
      exits: [
        { index: 0, threshold: 0.156, flops: 1_201_664 },
        { index: 1, threshold: null, flops: 20_106_464 },
      ],
      audit,
    },
  ],
};

const engine = { name: 'onnx', device: 'cpu', workers: 2, passedOver: [] };

const modelList: Static<typeof ModelList> = {
  defaultModel: 'mnist-smallcnn',
  models: [model],
  engine,
  refused: [{ name: 'broken', version: '1', reason: 'manifest.json is missing.' }],
};

const duration = { count: 310, ns: 279_000_000 };

const tensors = {
  inputs: [
    {
      name: 'image',
      datatype: 'FP32',
      shape: [-1, 1, 28, 28],
      parameters: { datatypes: 'FP32,FP16,UINT8,BYTES' },
    },
  ],
  outputs: [
    { name: 'label', datatype: 'BYTES', shape: [-1] },
    { name: 'exit_index', datatype: 'INT32', shape: [-1] },
  ],
};

/** A PNG of one grey pixel. */
const tinyPng =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==';

/** Of the Open Inference Protocol. */
const protocolExamples = {
  InferenceRequest: {
    id: '1',
    parameters: { profile: 'balanced', deadline_ms: 50 },
    inputs: [{ name: 'image', datatype: 'BYTES', shape: [1], data: [tinyPng] }],
    outputs: [{ name: 'label' }, { name: 'exit_index' }],
  },
  InferenceResponse: {
    model_name: 'mnist-smallcnn',
    model_version: '2',
    id: '1',
    outputs: [
      { name: 'label', datatype: 'BYTES', shape: [1], data: ['7'] },
      { name: 'exit_index', datatype: 'INT32', shape: [1], data: [0] },
    ],
  },
  ServerMetadata: {
    name: 'rdi-serve',
    version: '0.1.0',
    extensions: ['binary_tensor_data', 'classification', 'model_configuration', 'statistics'],
  },
  ModelMetadata: { name: 'mnist-smallcnn', versions: ['2'], platform: 'rdi-serve_onnx', ...tensors },
  ServerLive: { live: true },
  ServerReady: { ready: true },
  ModelReady: { name: 'mnist-smallcnn', ready: true },
  ModelConfiguration: {
    name: 'mnist-smallcnn',
    platform: 'rdi-serve_onnx',
    backend: 'rdi-serve',
    max_batch_size: 64,
    input: [{ name: 'image', data_type: 'TYPE_FP32', format: 'FORMAT_NCHW', dims: [1, 28, 28] }],
    output: [
      { name: 'label', data_type: 'TYPE_STRING', dims: [] },
      { name: 'exit_index', data_type: 'TYPE_INT32', dims: [] },
    ],
  },
  StatisticsList: {
    model_stats: [
      {
        name: 'mnist-smallcnn',
        version: '2',
        inference_count: 310,
        execution_count: 402,
        inference_stats: {
          success: duration,
          queue: duration,
          compute_input: duration,
          compute_infer: duration,
          compute_output: { count: 310, ns: 0 },
          cache_hit: { count: 0, ns: 0 },
          cache_miss: { count: 0, ns: 0 },
        },
      },
    ],
  },
  RepositoryIndex: [{ name: 'mnist-smallcnn', version: '2', state: 'READY', reason: '' }],
};

const slowdownClient: Static<typeof SlowdownClient> = {
  client: 'team-a',
  images: 183,
  meanFlops: 151_204_118,
  certifiedFlops: 113_600_000,
  evidence: 104.2,
  alarm: true,
  since: '2026-11-30T09:12:44.120Z',
};

export const examples: Readonly<Record<string, unknown>> = {
  Prediction: prediction,
  Explanation: explanation,
  Problem: problem,
  BatchRequest: { images: [tinyPng] },
  BatchItem: { prediction },
  BatchResponse: { results: [{ prediction }] },
  Audit: audit,
  AuditReset: { reason: 'a broken camera, since replaced' },
  Slowdown: { action: 'report', alpha: 0.01, tolerance: 0, alarmed: 1, clients: [slowdownClient] },
  SlowdownClient: slowdownClient,
  SlowdownReset: { client: 'team-a', reason: 'a new camera, since calibrated for' },
  Model: model,
  ModelList: modelList,
  Engine: engine,
  Liveness: { status: 'alive' },
  Readiness: { status: 'ready', engine },
  ...protocolExamples,
};

/** The examples of a server in this privacy mode. */
export function examplesOf(mode: PrivacyMode): Readonly<Record<string, unknown>> {
  if (mode !== 'strict') return examples;
  const { label, classIndex, model: of, profile, certified } = prediction;
  const told = { label, classIndex, model: of, profile, certified };
  return {
    ...examples,
    Prediction: told,
    BatchItem: { prediction: told },
    BatchResponse: { results: [{ prediction: told }] },
    ...Object.fromEntries(withOtherOutputs.map((name) => [name, undefined])),
  };
}

/** Their examples have outputs, parameters or counts that a strict server does not have. */
const withOtherOutputs = [
  'InferenceRequest',
  'InferenceResponse',
  'ModelMetadata',
  'ModelConfiguration',
  'ServerMetadata',
  'Model',
  'ModelList',
];
