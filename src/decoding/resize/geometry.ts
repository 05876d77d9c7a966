// Where the pixels of the model lie in an image: which rectangle is stretched to which size, and what is cropped of that.
// As torchvision, Hugging Face and Keras compute it, roundings included: one pixel off costs more than another kernel.
import type { ModelInput } from '../../format/manifest.js';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** One axis of an image on its way to the model, in pixels. */
export interface Axis {
  /** How many the image has. */
  readonly source: number;
  /** What is stretched, in pixels of the image: from `start` on, so many. It may reach beyond the image. */
  readonly start: number;
  readonly length: number;
  /** How many the stretched image has. */
  readonly resized: number;
  /** Where the model's part of these begins, negative if beyond an edge, and how many it has. */
  readonly left: number;
  readonly target: number;
}

export interface Geometry {
  readonly x: Axis;
  readonly y: Axis;
}

type Shape = Pick<ModelInput, 'width' | 'height' | 'resize' | 'crop'>;

/** @param size of the upright image */
export function geometryOf(size: Size, { width, height, resize, crop }: Shape): Geometry {
  const to = { width, height };
  const axes = (region: Size, resized: Size): Geometry => ({
    x: axis(size.width, region.width, resized.width, width, crop),
    y: axis(size.height, region.height, resized.height, height, crop),
  });
  if (resize === 'fill') return axes(size, to);
  if (resize === 'cover') return axes(shaped(size, to, Math.min), to);
  if (resize === 'contain') return axes(padded(size, shaped(size, to, Math.max)), to);
  if ('height' in resize) return axes(size, resize);
  return axes(size, withShorterSide(size, resize.shorterSide));
}

/** Whether an image of this size becomes the model's as it is. */
export function isKept(size: Size, shape: Shape): boolean {
  const { x, y } = geometryOf(size, shape);
  return [x, y].every(
    ({ source, start, length, resized, left, target }) =>
      start === 0 && left === 0 && source === length && length === resized && resized === target,
  );
}

function axis(source: number, length: number, resized: number, target: number, crop: Shape['crop']): Axis {
  return {
    source,
    start: Math.trunc((source - length) / 2),
    length,
    resized,
    left: cropStart(resized - target, crop),
    target,
  };
}

/** @param surplus pixels that are too many, or, negative, that are to be padded. */
function cropStart(surplus: number, crop: Shape['crop']): number {
  if (crop === 'centre-floor') return Math.floor(surplus / 2);
  return surplus < 0 ? -Math.floor(-surplus / 2) : halfToEven(surplus);
}

/** Half of a whole number, rounded as Python's `round` does. */
function halfToEven(whole: number): number {
  const down = Math.floor(whole / 2);
  return whole % 2 === 1 && down % 2 === 1 ? down + 1 : down;
}

/** The size nearest to this one that has the shape of `to`: within the image (`min`), or around it (`max`). */
function shaped({ width, height }: Size, to: Size, choose: (a: number, b: number) => number): Size {
  return {
    width: choose(width, Math.max(1, Math.trunc((height * to.width) / to.height))),
    height: choose(height, Math.max(1, Math.trunc((width * to.height) / to.width))),
  };
}

/** As much on both sides, so perhaps one pixel less than was wanted: Keras pads so. */
function padded(size: Size, to: Size): Size {
  const both = (from: number, length: number) => from + 2 * Math.floor((length - from) / 2);
  return { width: both(size.width, to.width), height: both(size.height, to.height) };
}

function withShorterSide({ width, height }: Size, side: number): Size {
  const longer = (long: number, short: number) => Math.trunc((side * long) / short);
  return width <= height
    ? { width: side, height: longer(height, width) }
    : { width: longer(width, height), height: side };
}
