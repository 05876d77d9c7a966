// The preprocessing that Hugging Face's preprocessor_config.json says, as the image processors of transformers do it.
import type { Interpolation } from '../../format/preprocessing.js';
import { UsageError } from '../../foundation/errors.js';
import { type Entries, isEntries, numberAt, numbersAt, shown } from './entries.js';
import type { ImageShape, Preprocessing } from './presets.js';

/** By the numbers that Pillow gives its filters. */
const filters: Readonly<Record<number, Interpolation>> = {
  0: 'nearest',
  1: 'lanczos',
  2: 'bilinear',
  3: 'bicubic',
};

/** Steps of single processors that are not done here. */
const UNKNOWN_STEPS = [
  ...['rescale_offset', 'include_top', 'do_pad', 'do_thumbnail', 'do_align_long_axis', 'keep_aspect_ratio'],
  ...['size_divisor', 'do_split_image', 'do_image_splitting', 'do_color_quantize'],
];

/** ConvNeXT's processor crops below this size only. */
const CONVNEXT_WHOLE = 384;

/** @throws UsageError if an entry is missing, or says something that cannot be done. */
export function fromHuggingFace(config: Entries, image: ImageShape): Preprocessing {
  const step = UNKNOWN_STEPS.find((key) => Boolean(config[key]));
  if (step !== undefined)
    throw new UsageError(`"${step}" is ${shown(config[step])}, which cannot be done here.`);
  const filter = filters[numberAt(config, 'resample')];
  if (filter === undefined) {
    throw new UsageError(
      `"resample" is ${shown(config['resample'])}; of Pillow’s filters only 0 (nearest), 1 (lanczos), 2 (bilinear) and ` +
        '3 (bicubic) are known here.',
    );
  }
  if (config['do_resize'] === false)
    throw new UsageError('"do_resize" is false, so images of other sizes have no answer.');
  const factor = config['do_rescale'] === false ? 1 : numberOr(config, 'rescale_factor', 1 / 255);
  const isNormalised = config['do_normalize'] !== false;
  const each = (value: number) => new Array<number>(image.channels).fill(value);
  return {
    ...(config['do_flip_channel_order'] === true && { channelOrder: 'bgr' }),
    ...(factor !== 1 / 255 && { range: [0, 255 * factor] }),
    mean: isNormalised ? numbersAt(config, 'image_mean') : each(0),
    std: isNormalised ? numbersAt(config, 'image_std') : each(1),
    ...resized(config, image),
    interpolation: filter,
    colourProfile: 'ignore',
  };
}

function resized(config: Entries, image: ImageShape): Pick<Preprocessing, 'resize' | 'crop'> {
  const size = isEntries(config['size']) ? config['size'] : sizeOf(config);
  const crop = { crop: 'centre-floor' } as const;
  if ('shortest_edge' in size) {
    const side = numberAt(size, 'shortest_edge');
    if (isOf(config, 'ConvNext')) return convNext(side, config, image);
    if (config['do_center_crop'] !== true) {
      throw new UsageError(
        '"size" gives the shortest edge, and "do_center_crop" is not true; images must become of one size.',
      );
    }
    checkSize(cropSize(config), image);
    return { resize: { shorterSide: side }, ...crop };
  }
  const exact = { height: numberAt(size, 'height'), width: numberAt(size, 'width') };
  if (config['do_center_crop'] === true) {
    checkSize(cropSize(config), image);
    return { resize: exact, ...crop };
  }
  checkSize(exact, image);
  return { resize: 'fill' };
}

function convNext(side: number, config: Entries, image: ImageShape): Pick<Preprocessing, 'resize' | 'crop'> {
  checkSize({ height: side, width: side }, image);
  if (side >= CONVNEXT_WHOLE) return { resize: 'fill' };
  const part = numberOr(config, 'crop_pct', 224 / 256);
  return { resize: { shorterSide: Math.trunc(side / part) }, crop: 'centre-floor' };
}

/** Old files have one number, which processors take in two ways. */
function sizeOf(config: Entries): Entries {
  const side = numberAt(config, 'size');
  if (['ViT', 'DeiT', 'Beit'].some((name) => isOf(config, name))) return { height: side, width: side };
  if (['CLIP', 'ConvNext', 'MobileNet', 'MobileViT', 'ResNet'].some((name) => isOf(config, name))) {
    return { shortest_edge: side };
  }
  throw new UsageError(
    `"size" is ${side}, without saying of what; write { "shortest_edge": ${side} } or { "height": ${side}, "width": ${side} }.`,
  );
}

function isOf(config: Entries, name: string): boolean {
  const types = [config['image_processor_type'], config['feature_extractor_type']];
  return types.some((type) => typeof type === 'string' && type.startsWith(name));
}

function cropSize(config: Entries): { height: number; width: number } {
  const size = config['crop_size'];
  if (isEntries(size)) return { height: numberAt(size, 'height'), width: numberAt(size, 'width') };
  const side = numberAt(config, 'crop_size');
  return { height: side, width: side };
}

function checkSize({ height, width }: { height: number; width: number }, image: ImageShape): void {
  if (height === image.height && width === image.width) return;
  throw new UsageError(
    `it makes images of ${height} × ${width}, but the network takes ${image.height} × ${image.width}.`,
  );
}

function numberOr(config: Entries, key: string, usual: number): number {
  return config[key] === undefined || config[key] === null ? usual : numberAt(config, key);
}
