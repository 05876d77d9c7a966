// From the input tensor to images: encoded ones (BYTES), pixels (UINT8), or the network's own values (FP32, FP16).
import type { ModelInput } from '../format/manifest.js';
import { Failure } from '../foundation/errors.js';
import { decodeBase64Image, refuseLargeImage } from '../serving/base64-image.js';
import type { EncodedImage, ReadyImage } from '../serving/classify-image.js';
import { fromHalfFloats } from './half-floats.js';
import { type InputTensor, shown, splitBytes, type TensorContent } from './tensors.js';

export const INPUT_NAME = 'image';

/** In which images are taken. */
export type InputDatatype = 'FP32' | 'FP16' | 'UINT8' | 'BYTES';

/** Bytes of an element. */
const numericBytes: Readonly<Record<string, number>> = { FP32: 4, FP16: 2, UINT8: 1 };
export const inputDatatypes: readonly string[] = [...Object.keys(numericBytes), 'BYTES'];

export interface ImageLimits {
  readonly maxBatchImages: number;
  readonly maxImageBytes: number;
}

export interface Images {
  readonly count: number;
  /** Copies numbers, because the memory of a body is not kept for the audit. @throws Failure `invalid-body`, `body-too-large` */
  read(): (EncodedImage | ReadyImage)[];
}

/** The number of axes of a tensor of images, and so of arrays in arrays. */
const DEEPEST = 4;

type Layout = NonNullable<ModelInput['layout']>;

/** Checks all that can be checked before memory is taken. @throws Failure `invalid-body` */
export function imagesOf(inputs: readonly InputTensor[], input: ModelInput, limits: ImageLimits): Images {
  const [tensor] = inputs;
  if (inputs.length !== 1 || tensor?.name !== INPUT_NAME) {
    const arrived = tensor ? `${inputs.length}, the first ${shown(tensor.name)},` : 'none';
    throw invalid(`The model has one input, "${INPUT_NAME}"; ${arrived} arrived.`);
  }
  if (!inputDatatypes.includes(tensor.datatype)) {
    throw invalid(
      `The input "${INPUT_NAME}" is taken as ${inputDatatypes.join(', ')}, not as ${shown(tensor.datatype)}.`,
    );
  }
  return tensor.datatype === 'BYTES' ? encodedImages(tensor, limits) : readyImages(tensor, input, limits);
}

function encodedImages(
  { shape, content, isBase64 = false }: InputTensor,
  { maxBatchImages, maxImageBytes }: ImageLimits,
): Images {
  const [count = 0, ...rest] = shape;
  if (rest.length > 1 || (rest[0] ?? 1) !== 1) {
    throw invalid(`Encoded images have the shape [images], not ${shown(shape)}.`);
  }
  checkCount(count, maxBatchImages);
  const given = 'raw' in content ? splitBytes(content.raw, count) : content.values.flat();
  if (given.length !== count) throw invalid(`The shape says ${count} images; ${given.length} arrived.`);
  return {
    count,
    read: () =>
      given.map((one) => ({ bytes: encodedImage(one, isBase64, maxImageBytes), mediaType: undefined })),
  };
}

function encodedImage(given: unknown, isBase64: boolean, maxImageBytes: number): Uint8Array {
  if (typeof given === 'string') return decodeBase64Image(given, maxImageBytes);
  if (!(given instanceof Uint8Array)) throw invalid('In JSON, an element of BYTES is an image in base64.');
  if (isBase64) return decodeBase64Image(Buffer.from(given).toString('latin1'), maxImageBytes);
  refuseLargeImage(given, maxImageBytes);
  return given;
}

function readyImages(tensor: InputTensor, input: ModelInput, { maxBatchImages }: ImageLimits): Images {
  const { datatype, shape, content } = tensor;
  const layout = layoutOf(shape, input);
  const [count = 0] = shape;
  checkCount(count, maxBatchImages);
  const size = input.height * input.width * input.channels;
  const length =
    'raw' in content ? content.raw.length / (numericBytes[datatype] ?? 1) : leaves(content.values);
  if (length !== count * size) {
    throw invalid(
      `The shape ${shown(shape)} says ${count * size} elements of ${datatype}; ${length} arrived.`,
    );
  }
  const target: Layout = datatype === 'UINT8' ? 'nhwc' : ownLayout(input);
  return {
    count,
    read() {
      const elements = sourceOf(content, datatype);
      return Array.from({ length: count }, (_, index) => {
        const values = elements(index * size, (index + 1) * size);
        refuseNonFinite(values, index);
        return { values: layout === target ? values : relaid(values, layout, input) };
      });
    },
  };
}

/** The layout that the shape says. If it fits both, it is the model's own. */
function layoutOf(shape: readonly number[], input: ModelInput): Layout {
  const own = ownLayout(input);
  const layouts: Layout[] = [own, own === 'nchw' ? 'nhwc' : 'nchw'];
  const [, ...dimensions] = shape;
  const found = layouts.find((layout) => `${dimensionsOf(input, layout)}` === `${dimensions}`);
  if (found) return found;
  const taken = layouts.map((layout) => `[images, ${dimensionsOf(input, layout).join(', ')}]`).join(' or ');
  throw invalid(`The input "${INPUT_NAME}" has the shape ${taken}, not ${shown(shape)}.`);
}

/** The layout of the graph's input. */
export function ownLayout({ layout = 'nchw' }: ModelInput): Layout {
  return layout;
}

/** Of one image. */
export function dimensionsOf({ height, width, channels }: ModelInput, layout: Layout): number[] {
  return layout === 'nchw' ? [channels, height, width] : [height, width, channels];
}

function checkCount(count: number, maxBatchImages: number): void {
  if (count >= 1 && count <= maxBatchImages) return;
  throw invalid(`The shape says ${count} images; 1 to ${maxBatchImages} are taken.`);
}

/** @returns a function that copies the elements from `start` to `end` */
function sourceOf(
  content: TensorContent,
  datatype: string,
): (start: number, end: number) => Uint8Array | Float32Array {
  if ('values' in content) {
    const isFlat = !content.values.some(Array.isArray);
    const values = isFlat ? content.values : content.values.flat(DEEPEST - 1);
    return (start, end) => fromNumbers(values.slice(start, end), datatype);
  }
  const bytes = numericBytes[datatype] ?? 1;
  return (start, end) => {
    const copy = new Uint8Array(content.raw.subarray(start * bytes, end * bytes));
    if (datatype === 'UINT8') return copy;
    return datatype === 'FP32' ? new Float32Array(copy.buffer) : fromHalfFloats(new Uint16Array(copy.buffer));
  };
}

function fromNumbers(values: readonly unknown[], datatype: string): Uint8Array | Float32Array {
  const isTaken =
    datatype === 'UINT8'
      ? (value: unknown) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255
      : (value: unknown) => typeof value === 'number';
  const bad = values.findIndex((value) => !isTaken(value));
  if (bad >= 0) throw invalid(`${nameOf(values[bad])} is no element of ${datatype}.`);
  return datatype === 'UINT8' ? Uint8Array.from(values as number[]) : Float32Array.from(values as number[]);
}

function nameOf(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value);
  return Array.isArray(value) ? 'An array in more than four others' : `A value of the type ${typeof value}`;
}

function refuseNonFinite(values: Uint8Array | Float32Array, image: number): void {
  if (values instanceof Uint8Array) return;
  // Zero, unless one is not finite: this takes a third of the time of asking each.
  let zero = 0;
  for (let at = 0; at < values.length; at++) zero += (values[at] as number) * 0;
  if (zero === 0) return;
  for (let at = 0; at < values.length; at++) {
    if (Number.isFinite(values[at])) continue;
    throw invalid(`Element ${at} of image ${image} is ${values[at]}; it must be a finite number.`);
  }
}

/** Number of elements in arrays of arrays. Deeper ones than those of a tensor are counted as one, and refused later. */
function leaves(values: readonly unknown[], depth = DEEPEST): number {
  let count = 0;
  for (const value of values) count += Array.isArray(value) && depth > 1 ? leaves(value, depth - 1) : 1;
  return count;
}

/** Exchanges the layouts: a copy in the one that is not `from`. */
function relaid<Values extends Uint8Array | Float32Array>(
  values: Values,
  from: Layout,
  input: ModelInput,
): Values {
  const { height, width, channels } = input;
  const pixels = height * width;
  const result = values.slice() as Values;
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let channel = 0; channel < channels; channel++) {
      const first = channel * pixels + pixel;
      const last = pixel * channels + channel;
      if (from === 'nchw') result[last] = values[first] as number;
      else result[first] = values[last] as number;
    }
  }
  return result;
}

function invalid(detail: string): Failure {
  return new Failure('invalid-body', detail);
}
