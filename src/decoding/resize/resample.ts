// Resizes decoded pixels as Pillow does, bit by bit: first along lines, then across them, in 8 bits after each. Without
// antialiasing, the values between the two are not rounded, as in TensorFlow. Transparency and colour are settled before.
import type { ModelInput } from '../../format/manifest.js';
import type { Interpolation } from '../../format/preprocessing.js';
import type { ImageFormat } from '../image-header.js';
import { toModelPixels } from '../model-pixels.js';
import { type Geometry, geometryOf, type Size } from './geometry.js';
import { type Taps, tapsOf } from './taps.js';

/** An upright image as it was decoded: uint8 [height, width, channels]; grey, grey + alpha, RGB or RGBA. */
export interface Decoded extends Size {
  readonly pixels: Uint8Array;
}

/** The input of a model that says how images are resized for it. */
export type Resampled = ModelInput & { readonly interpolation: Interpolation };

export function isResampled(input: ModelInput): input is Resampled {
  return input.interpolation !== undefined;
}

/** What is done, before it is done. */
export interface Plan {
  readonly across: Taps;
  readonly down: Taps;
  /** By line of the image: its place among those that are needed; -1: it is not. */
  readonly places: Int32Array;
  readonly lines: number;
  /** Of pixels with a weight. */
  readonly multiplications: number;
}

/** Added to sums of 8 bits times weights: halves are rounded up, everything else as it would be. */
const ROUND_HALVES_UP = 2 ** -23;

export function planOf(size: Size, input: Resampled): Plan {
  const geometry: Geometry = geometryOf(size, input);
  const antialias = input.antialias ?? true;
  const across = tapsOf(geometry.x, input.interpolation, antialias);
  const down = tapsOf(geometry.y, input.interpolation, antialias);
  const places = new Int32Array(size.height).fill(-1);
  for (let target = 0; target < down.length; target++) {
    const start = down.starts[target] ?? 0;
    places.fill(0, start, start + (down.counts[target] ?? 0));
  }
  let lines = 0;
  places.forEach((place, line) => {
    if (place === 0) places[line] = lines++;
  });
  const total = ({ counts }: Taps) => counts.reduce((sum, count) => sum + count, 0);
  const multiplications = (total(across) * lines + total(down) * across.length) * input.channels;
  return { across, down, places, lines, multiplications };
}

/**
 * Bytes per pixel of the image: libvips holds it, and its copy is handed to a thread. Measured as the peak of resident
 * memory, 6.2 for JPEG and, with an alpha channel that the thread removes, 9 for PNG.
 */
const BYTES_PER_PIXEL: Readonly<Record<ImageFormat, number>> = { jpeg: 7, png: 9, webp: 9 };

/** Upper bound of the memory for resampling: all pixels, and the lines between its two steps. */
export function resamplingBytes(format: ImageFormat, { width, height }: Size, input: Resampled): number {
  const lines = Math.max(width, height) * input.width * input.channels;
  const between = lines * (isExact(input) ? Float32Array.BYTES_PER_ELEMENT : 1);
  return width * height * BYTES_PER_PIXEL[format] + between;
}

/** Whether values between the two steps are not rounded. */
function isExact({ interpolation, antialias = true }: Resampled): boolean {
  return interpolation !== 'nearest' && !antialias;
}

/** @returns uint8 [input.height, input.width, input.channels] in memory of its own */
export function resample(
  image: Decoded,
  input: Resampled,
  plan: Plan = planOf(image, input),
): Uint8Array<ArrayBuffer> {
  const { across, down, places, lines } = plan;
  const stride = input.width * input.channels;
  const between = isExact(input) ? new Float32Array(lines * stride) : new Uint8ClampedArray(lines * stride);
  for (let line = 0; line < image.height; line++) {
    const place = places[line] ?? -1;
    if (place < 0) continue;
    resizeLine(
      lineOf(image, line, input),
      across,
      input,
      between.subarray(place * stride, (place + 1) * stride),
    );
  }
  const result = new Uint8ClampedArray(input.height * stride);
  for (let target = 0; target < input.height; target++) {
    const sums = new Float64Array(stride).fill(
      ROUND_HALVES_UP + (down.background[target] ?? 0) * input.background,
    );
    const first = places[down.starts[target] ?? 0] ?? 0;
    for (let tap = 0; tap < (down.counts[target] ?? 0); tap++) {
      addLine(sums, between, (first + tap) * stride, down.weights[target * down.most + tap] ?? 0);
    }
    result.set(sums, target * stride);
  }
  return new Uint8Array(result.buffer);
}

/** A line of the image in the model's channels. */
function lineOf({ pixels, width, height }: Decoded, line: number, input: ModelInput): Uint8Array {
  const bytes = pixels.length / height;
  const stored = pixels.subarray(line * bytes, (line + 1) * bytes);
  return bytes === width * input.channels ? stored : toModelPixels(stored, input, width);
}

function resizeLine(
  line: Uint8Array,
  { starts, counts, weights, most, background }: Taps,
  input: ModelInput,
  result: Float32Array | Uint8ClampedArray,
): void {
  const { width, channels } = input;
  for (let target = 0; target < width; target++) {
    const base = ROUND_HALVES_UP + (background[target] as number) * input.background;
    const first = (starts[target] as number) * channels;
    const end = target * most + (counts[target] as number);
    if (channels === 1) {
      let grey = base;
      for (let tap = target * most, from = first; tap < end; tap++, from++) {
        grey += (weights[tap] as number) * (line[from] as number);
      }
      result[target] = grey;
      continue;
    }
    let red = base;
    let green = base;
    let blue = base;
    for (let tap = target * most, from = first; tap < end; tap++, from += 3) {
      const weight = weights[tap] as number;
      red += weight * (line[from] as number);
      green += weight * (line[from + 1] as number);
      blue += weight * (line[from + 2] as number);
    }
    result[target * 3] = red;
    result[target * 3 + 1] = green;
    result[target * 3 + 2] = blue;
  }
}

function addLine(
  sums: Float64Array,
  lines: Float32Array | Uint8ClampedArray,
  start: number,
  weight: number,
): void {
  for (let i = 0; i < sums.length; i++) {
    sums[i] = (sums[i] as number) + weight * (lines[start + i] as number);
  }
}
