// The media types of the images that are decoded, and the ends of file names that stand for them.
import { extname } from 'node:path';
import type { ImageFormat } from './image-header.js';

export type MediaType = `image/${ImageFormat}`;

export const mediaTypes = ['image/png', 'image/jpeg', 'image/webp'] as const satisfies MediaType[];

const byExtension: Readonly<Record<string, MediaType>> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
};

/** By the end of a file's name, in capitals or not; undefined: of no image. */
export function mediaTypeOfFile(path: string): MediaType | undefined {
  return byExtension[extname(path).toLowerCase()];
}
