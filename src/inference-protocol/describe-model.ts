// What the protocol tells of the server and its models: metadata, Triton's model configuration and repository index.
import type { ModelInput } from '../format/manifest.js';
import { version } from '../foundation/version.js';
import type { RefusedPackage } from '../packages/repository.js';
import type { Catalog, ServedModel } from '../serving/catalog.js';
import { describeOutputs } from './outputs.js';
import { dimensionsOf, INPUT_NAME, type InputDatatype, inputDatatypes, ownLayout } from './read-images.js';
import type { OutputDatatype } from './tensors.js';

const PLATFORM = 'rdi-serve_onnx';
/** A dimension of any size. */
const ANY = -1;

/** @param isStrict whether the server tells the class alone, by its privacy mode; so in all that follows */
export function describeServer(isStrict: boolean) {
  return {
    name: 'rdi-serve',
    version,
    extensions: [
      'binary_tensor_data',
      ...(isStrict ? [] : ['classification']),
      'model_configuration',
      ...(isStrict ? [] : ['statistics']),
    ],
  };
}

/** @param datatype of those that are taken, the one that is named */
export function describeMetadata(
  { name, manifest }: ServedModel,
  { models }: Catalog,
  datatype: InputDatatype,
  isStrict: boolean,
) {
  const { input, classes } = manifest;
  return {
    name,
    versions: models.filter((model) => model.name === name).map((model) => model.version),
    platform: PLATFORM,
    inputs: [
      {
        name: INPUT_NAME,
        datatype,
        shape: [ANY, ...inputDimensions(input, datatype)],
        parameters: { datatypes: inputDatatypes.join(',') },
      },
    ],
    outputs: describeOutputs(classes.length, isStrict).map(({ name, datatype, dimensions }) => ({
      name,
      datatype: datatype as string,
      shape: [ANY, ...dimensions],
    })),
  };
}

/** As Triton's clients read it: dimensions without the batch. */
export function describeConfiguration(
  { name, manifest }: ServedModel,
  maxBatchImages: number,
  datatype: InputDatatype,
  isStrict: boolean,
) {
  const { input, classes } = manifest;
  return {
    name,
    platform: PLATFORM,
    backend: 'rdi-serve',
    max_batch_size: maxBatchImages,
    input: [
      {
        name: INPUT_NAME,
        data_type: configurationType(datatype),
        format: datatype === 'BYTES' ? ('FORMAT_NONE' as const) : formats[ownLayout(input)],
        dims: inputDimensions(input, datatype),
      },
    ],
    output: describeOutputs(classes.length, isStrict).map(({ name, datatype, dimensions }) => ({
      name,
      data_type: configurationType(datatype),
      dims: [...dimensions],
    })),
  };
}

const formats = { nchw: 'FORMAT_NCHW', nhwc: 'FORMAT_NHWC' } as const;

/** Of one image. */
function inputDimensions(input: ModelInput, datatype: InputDatatype): number[] {
  return datatype === 'BYTES' ? [1] : dimensionsOf(input, ownLayout(input));
}

function configurationType(datatype: InputDatatype | OutputDatatype) {
  return datatype === 'BYTES' ? ('TYPE_STRING' as const) : (`TYPE_${datatype}` as const);
}

/** What is served, and what was found and refused. @param onlyReady whether to leave out the refused */
export function indexRepository({ models }: Catalog, refused: readonly RefusedPackage[], onlyReady: boolean) {
  return [
    ...models.map(({ name, version }) => ({ name, version, state: 'READY', reason: '' })),
    ...(onlyReady ? [] : refused).map(({ name, version, reason }) => ({
      name,
      version,
      state: 'UNAVAILABLE',
      reason,
    })),
  ];
}
