// Reads IDX, the format of MNIST: one file of images and one of labels, each with a big-endian header, often gzipped.
// Images are returned as PNG, so that they are decoded like a client's images.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import sharp from 'sharp';
import { messageOf, UsageError } from '../foundation/errors.js';
import type { DataSet, Labelled } from './data-set.js';

const unzip = promisify(gunzip);

/** Code of unsigned bytes in the header. The number of dimensions follows it. */
const UINT8 = 8;
const BYTES_PER_EXTENT = 4;

interface Idx {
  readonly shape: readonly number[];
  /** Row-major. */
  readonly values: Buffer;
}

/** @throws UsageError if a file cannot be read, is malformed or has no pixels, or has no label for each image */
export async function openIdx(
  imagesPath: string,
  labelsPath: string | undefined,
  labelled: Labelled,
): Promise<DataSet> {
  const labelsFile =
    labelled === 'optional'
      ? optionalLabels(imagesPath)
      : labelled && (labelsPath ?? labelsBeside(imagesPath));
  const images = await readIdx(imagesPath, 3);
  const labels = labelsFile ? await readIdx(labelsFile, 1) : undefined;
  const [count = 0, height = 0, width = 0] = images.shape;
  if (labels && count !== labels.values.length) {
    throw new UsageError(
      `There are ${count} images but ${labels.values.length} labels. Give the labels that belong to these images.`,
    );
  }
  if (count > 0 && height * width === 0) {
    throw new UsageError(`"${basename(imagesPath)}" has no pixels: its images are ${width} × ${height}.`);
  }
  return {
    samples: Array.from({ length: count }, (_, index) => ({
      name: `image ${index}`,
      label: labels ? String(labels.values[index]) : '',
      mediaType: 'image/png' as const,
      read: () => {
        const pixels = images.values.subarray(index * height * width, (index + 1) * height * width);
        return sharp(pixels, { raw: { width, height, channels: 1 } })
          .toColourspace('b-w')
          .png()
          .toBuffer();
      },
    })),
    sha256: createHash('sha256')
      .update(images.values)
      .update(labels?.values ?? '')
      .digest('hex'),
    close() {},
  };
}

function labelsBeside(images: string): string {
  const labels = labelsPathFor(images);
  if (labels !== undefined) return labels;
  throw new UsageError(
    `The labels of "${basename(images)}" cannot be found, because its name does not contain "images". Give --labels.`,
  );
}

function optionalLabels(images: string): string | undefined {
  const labels = labelsPathFor(images);
  return labels !== undefined && existsSync(labels) ? labels : undefined;
}

/** By the naming convention of MNIST: images-idx3 → labels-idx1. */
function labelsPathFor(images: string): string | undefined {
  const name = basename(images);
  const labels = name.replace('images', 'labels').replace('idx3', 'idx1');
  return labels === name ? undefined : join(dirname(images), labels);
}

async function readIdx(path: string, dimensions: number): Promise<Idx> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
    if (bytes[0] === 0x1f && bytes[1] === 0x8b) bytes = await unzip(bytes);
  } catch (error) {
    throw new UsageError(`The data set cannot be read: ${messageOf(error)}.`, { cause: error });
  }
  const start = 4 + dimensions * BYTES_PER_EXTENT;
  if (bytes.length < start || bytes.readUInt32BE(0) !== UINT8 * 256 + dimensions) {
    throw new UsageError(
      `"${basename(path)}" is not an IDX file of bytes with ${dimensions} dimension${dimensions > 1 ? 's' : ''}.`,
    );
  }
  const shape = Array.from({ length: dimensions }, (_, index) =>
    bytes.readUInt32BE(4 + index * BYTES_PER_EXTENT),
  );
  const values = bytes.subarray(start);
  const expected = shape.reduce((product, extent) => product * extent, 1);
  if (values.length !== expected) {
    throw new UsageError(
      `"${basename(path)}" has ${values.length} values, but its header announces ${shape.join(' × ')}.`,
    );
  }
  return { shape, values };
}
