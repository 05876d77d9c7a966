// Enlarges small images: libvips does so half a pixel too far to the right and down. Bicubic, as Pillow does it, with the
// centre of the image in the centre of what the model sees, whatever the sizes. Reducing is sharp-path.ts's.
import type { ModelInput } from '../format/manifest.js';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Source pixels per pixel of the model, along each axis; both below 1 unless `resize` is fill. */
interface Steps {
  readonly x: number;
  readonly y: number;
}

/** True if `input.resize` makes an upright image of this size larger along an axis. */
export function isEnlarged(size: Size, input: ModelInput): boolean {
  const { x, y } = stepsOf(size, input);
  return x < 1 || y < 1;
}

/** What of an upright image of this size is needed to enlarge it: all, or its middle, or, to fill, less detail. */
export function neededFor(size: Size, input: ModelInput): Size {
  const { x, y } = stepsOf(size, input);
  const needed = (from: number, to: number, step: number) =>
    input.resize === 'fill' ? Math.min(from, to) : middleOf(from, to * step);
  return { width: needed(size.width, input.width, x), height: needed(size.height, input.height, y) };
}

/** The fewest pixels around the centre of `from` that hold `length` of them and what the taps reach beyond. */
function middleOf(from: number, length: number): number {
  const margin = Math.floor((from - length) / 2) - TAPS / 2;
  return margin > 0 ? from - 2 * margin : from;
}

/**
 * Enlarges pixels to the model's size by `input.resize`: to fill it, cover it, or be contained in it on its background.
 *
 * @param pixels uint8 [size.height, size.width, input.channels], no more than `neededFor` says
 * @returns uint8 [input.height, input.width, input.channels]
 */
export function enlarge(pixels: Uint8Array, size: Size, input: ModelInput): Uint8Array {
  const { x, y } = stepsOf(size, input);
  const { channels, background } = input;
  const across = createTaps(size.width, input.width, x);
  const down = createTaps(size.height, input.height, y);
  const wide = resample(pixels, size.width, channels, across, background);
  return resample(wide, size.height, input.width * channels, down, background);
}

function stepsOf({ width, height }: Size, input: ModelInput): Steps {
  const x = width / input.width;
  const y = height / input.height;
  if (input.resize === 'fill') return { x, y };
  const both = input.resize === 'cover' ? Math.min(x, y) : Math.max(x, y);
  return { x: both, y: both };
}

/** Which four source pixels make up each pixel of a line, and with which weights. */
interface Taps {
  /** Source pixels, four for every target pixel. Those beyond an end of the line are its last, with weight 0. */
  readonly sources: Int32Array;
  /** Four for every target pixel. They sum to the share of it that the source covers: 1, but at its edges. */
  readonly weights: Float64Array;
}

const TAPS = 4;

/** Taps from a line of `from` pixels to one of `to`, `step` source pixels apart, with the same centre. */
function createTaps(from: number, to: number, step: number): Taps {
  const sources = new Int32Array(to * TAPS);
  const weights = new Float64Array(to * TAPS);
  for (let target = 0; target < to; target++) {
    // In source pixels, from the outer edge of the first: of this pixel's centre, and of its two edges in the source.
    const centre = from / 2 + (target + 0.5 - to / 2) * step;
    const covered = Math.min(from, centre + step / 2) - Math.max(0, centre - step / 2);
    const start = Math.floor(centre - 0.5) - 1;
    for (let tap = 0; tap < TAPS; tap++) {
      sources[target * TAPS + tap] = Math.min(from - 1, Math.max(0, start + tap));
    }
    if (covered <= 0) continue;
    const four = Array.from({ length: TAPS }, (_, tap) =>
      start + tap < 0 || start + tap >= from ? 0 : cubic(start + tap + 0.5 - centre),
    );
    const share = Math.min(1, covered / step) / four.reduce((sum, weight) => sum + weight, 0);
    four.forEach((weight, tap) => {
      weights[target * TAPS + tap] = weight * share;
    });
  }
  return { sources, weights };
}

/** Keys' cubic with a = -0.5, as Pillow and libvips have it. */
function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

/** uint8 [lines, from, inner] to [lines, to, inner]; where the source does not reach, `background`. */
function resample(
  source: Uint8Array,
  from: number,
  inner: number,
  { sources, weights }: Taps,
  background: number,
): Uint8Array {
  const result = new Uint8ClampedArray((source.length / from) * (weights.length / TAPS));
  let out = 0;
  for (let start = 0; start < source.length; start += from * inner) {
    for (let tap = 0; tap < weights.length; tap += TAPS) {
      const a = weights[tap] ?? 0;
      const b = weights[tap + 1] ?? 0;
      const c = weights[tap + 2] ?? 0;
      const d = weights[tap + 3] ?? 0;
      const rest = (1 - a - b - c - d) * background;
      const p = start + (sources[tap] ?? 0) * inner;
      const q = start + (sources[tap + 1] ?? 0) * inner;
      const r = start + (sources[tap + 2] ?? 0) * inner;
      const s = start + (sources[tap + 3] ?? 0) * inner;
      for (let i = 0; i < inner; i++) {
        result[out + i] =
          a * (source[p + i] ?? 0) +
          b * (source[q + i] ?? 0) +
          c * (source[r + i] ?? 0) +
          d * (source[s + i] ?? 0) +
          rest;
      }
      out += inner;
    }
  }
  return new Uint8Array(result.buffer);
}
