// Images for tests, made on the spot and from a seed: pixels, and containers that no encoder here would write.
import { crc32 } from 'node:zlib';
import sharp, { type Sharp } from 'sharp';
import type { ModelInput } from '../../../src/format/manifest.js';
import { createUniform } from '../../../src/foundation/random.js';

/** A model input for tests; `resize` is fill and `background` black unless told otherwise. */
export function modelInput(
  size: { height: number; width: number; channels: 1 | 3 },
  rule: Partial<Pick<ModelInput, 'resize' | 'background'>> = {},
): ModelInput {
  return { tensor: 'image', mean: [0], std: [1], resize: 'fill', background: 0, ...size, ...rule };
}

/** uint8 [height, width, channels]: waves in every channel under some noise, so that every error shows. */
export function texture(width: number, height: number, channels: number): Uint8Array {
  const random = createUniform(width * 31 + channels);
  return Uint8Array.from({ length: width * height * channels }, (_, index) => {
    const channel = index % channels;
    const x = Math.floor(index / channels) % width;
    const y = Math.floor(index / channels / width);
    const wave = 127 + 90 * Math.sin(x / 5 + channel) * Math.cos(y / 6 - channel);
    return Math.round(wave + 40 * (random() - 0.5));
  });
}

/** A sharp pipeline that starts from raw pixels, uint8 [height, width, channels]. */
export function fromPixels(
  pixels: Uint8Array,
  width: number,
  height: number,
  channels: 1 | 2 | 3 | 4,
): Sharp {
  const image = sharp(pixels, { raw: { width, height, channels } });
  return channels < 3 ? image.toColourspace('b-w') : image;
}

/** The same as `fromPixels`, of a `texture`. */
export function textured(width: number, height: number, channels: 1 | 2 | 3 | 4): Sharp {
  return fromPixels(texture(width, height, channels), width, height, channels);
}

/** The same, of uniform noise: networks are not sure of it before their final exit. */
export function noise(width: number, height: number, channels: 1 | 3): Sharp {
  const random = createUniform(1);
  const pixels = Uint8Array.from({ length: width * height * channels }, () => Math.floor(256 * random()));
  return fromPixels(pixels, width, height, channels);
}

/** One PNG chunk with its length and checksum. */
export function pngChunk(type: string, body: Uint8Array): Buffer {
  const content = Buffer.concat([Buffer.from(type, 'latin1'), body]);
  const chunk = Buffer.alloc(content.length + 8);
  chunk.writeUInt32BE(body.length, 0);
  content.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(content), chunk.length - 4);
  return chunk;
}

/** The PNG with chunks inserted in front of its first chunk of that type. */
export function insertPngChunks(png: Buffer, before: string, ...chunks: Buffer[]): Buffer {
  const at = png.indexOf(before, 0, 'latin1') - 4;
  return Buffer.concat([png.subarray(0, at), ...chunks, png.subarray(at)]);
}

/** A whole PNG header for an image of this size (8 bit, RGB), followed by `rest`. */
export function pngOfSize(width: number, height: number, rest = pngChunk('IEND', new Uint8Array())): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), pngChunk('IHDR', header), rest]);
}

/** The JPEG with another size written into its frame header. */
export function resizeJpegHeader(jpeg: Buffer, width: number, height: number): Buffer {
  const copy = Buffer.from(jpeg);
  const frame = copy.indexOf(Buffer.from([0xff, 0xc0, 0x00]));
  copy.writeUInt16BE(height, frame + 5);
  copy.writeUInt16BE(width, frame + 7);
  return copy;
}
