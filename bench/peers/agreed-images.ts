// Nothing is timed but images that all servers answer alike, and nothing at all if a server answers otherwise for a reason
// of its own. JPEG decoders differ by a level or two here and there, which tips an image between two classes now and then.
import sharp from 'sharp';
import { UsageError } from '../../src/foundation/errors.js';
import type { ImagesToSend, ImageToSend } from './images.js';
import type { Subject } from './rounds.js';
import { type Agreement, agreementOf, answersOf } from './same-answers.js';

type Asked = Pick<Subject, 'name' | 'url'>;

export interface AgreedImages {
  readonly images: ImagesToSend;
  /** Of each server, with the reference, on all images as they are. */
  readonly agreement: Readonly<Record<string, Agreement>>;
  /** Names of images that are left out: all answer alike to their pixels as a PNG, but not to the files. */
  readonly decodedOtherwise: readonly string[];
}

/**
 * @param reference this service's profile `full`
 * @param others those that may answer otherwise: its other profiles
 * @throws UsageError if a peer answers otherwise to an image that every decoder takes alike, or no image is left
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
        throw new UsageError(`${name} answers otherwise than full to ${different.length} images: ${some}.`);
      }
    }
  }
  const left = images.filter(({ name }) => !disputed.has(name));
  if (left.length === 0) throw new UsageError('There is no image that all servers answer alike.');
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

/** PNG keeps every pixel, and whoever decodes it gets the same ones. */
async function asPng({ name, bytes }: ImageToSend): Promise<ImageToSend> {
  return { name, bytes: await sharp(bytes).png().toBuffer() };
}
