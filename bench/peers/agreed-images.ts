// Chooses the images that all servers answer alike. JPEG decoders differ by one or two grey levels in some pixels. This
// changes the class of a few images, which are left out. Any other difference between answers is an error.
import sharp from 'sharp';
import { UsageError } from '../../src/foundation/errors.js';
import type { ImagesToSend, ImageToSend } from './images.js';
import type { Subject } from './rounds.js';
import { type Agreement, agreementOf, answersOf } from './same-answers.js';

type Asked = Pick<Subject, 'name' | 'url'>;

export interface AgreedImages {
  readonly images: ImagesToSend;
  /** Agreement of each server with the reference, on all original images. */
  readonly agreement: Readonly<Record<string, Agreement>>;
  /** Names of the images that are left out: all servers answer alike to the image as PNG, but not to the original. */
  readonly decodedOtherwise: readonly string[];
}

/**
 * @param reference this service's profile `full`
 * @param others this service's other profiles, whose answers may differ
 * @throws UsageError if the answers of a peer differ for an image as PNG, or no image is left
 */
export async function agreedImages(
  reference: Asked,
  peers: readonly Asked[],
  others: readonly Asked[],
  all: ImagesToSend,
): Promise<AgreedImages> {
  const { images, contentType } = all;
  const agreement = await agreements(reference, [...others, ...peers], images, contentType);
  const disputed = new Set(peers.flatMap(({ name }) => agreement[name]?.different ?? []));
  if (disputed.size > 0) {
    const pixels = await Promise.all(images.filter(({ name }) => disputed.has(name)).map(asPng));
    const again = await agreements(reference, peers, pixels, 'image/png');
    for (const [name, { different }] of Object.entries(again)) {
      if (different.length > 0) {
        const some = different.slice(0, 5).join(', ');
        throw new UsageError(
          `${name} and the profile full give different answers to ${different.length} images: ${some}.`,
        );
      }
    }
  }
  const left = images.filter(({ name }) => !disputed.has(name));
  if (left.length === 0)
    throw new UsageError('There is no image that all servers answer alike. Send other images with --data.');
  return { images: { ...all, images: left }, agreement, decodedOtherwise: [...disputed] };
}

async function agreements(
  reference: Asked,
  servers: readonly Asked[],
  images: readonly ImageToSend[],
  contentType: string,
): Promise<Record<string, Agreement>> {
  const expected = await answersOf(reference.url, images, contentType);
  const agreement: Record<string, Agreement> = {};
  for (const { name, url } of servers) {
    agreement[name] = agreementOf(images, expected, await answersOf(url, images, contentType));
  }
  return agreement;
}

/** PNG is lossless, so that all decoders give the same pixels. */
async function asPng({ name, bytes }: ImageToSend): Promise<ImageToSend> {
  return { name, bytes: await sharp(bytes).png().toBuffer() };
}
