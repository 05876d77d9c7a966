// The preprocessing that timm's pretrained_cfg says, as its transforms for evaluation carry it out.

import { interpolations } from '../../format/preprocessing.js';
import { UsageError } from '../../foundation/errors.js';
import { type Entries, numberAt, numbersAt, shown } from './entries.js';
import { cropped, type ImageShape, type Preprocessing, USUAL_CROP } from './presets.js';

/**
 * @param cfg with `interpolation`, `mean` and `std`; `crop_pct` and `crop_mode` if they are not the usual.
 * @param image its size counts, not `input_size`: networks are exported for other sizes than they were trained with.
 */
export function fromTimm(cfg: Entries, image: ImageShape): Preprocessing {
  const interpolation = interpolations.find((name) => name === cfg['interpolation']);
  if (interpolation === undefined) {
    throw new UsageError(
      `"interpolation" is ${shown(cfg['interpolation'])}, but must be ${interpolations.join(', ')}.`,
    );
  }
  const part =
    cfg['crop_pct'] === undefined || cfg['crop_pct'] === null ? USUAL_CROP : numberAt(cfg, 'crop_pct');
  if (!(part > 0 && part <= 1))
    throw new UsageError(`"crop_pct" is ${part}, but must be above 0 and at most 1.`);
  return {
    mean: numbersAt(cfg, 'mean'),
    std: numbersAt(cfg, 'std'),
    ...resized(cfg['crop_mode'] ?? 'center', image, part),
    interpolation,
    colourProfile: 'ignore',
  };
}

function resized(mode: unknown, image: ImageShape, part: number): Pick<Preprocessing, 'resize'> {
  if (mode === 'center') {
    if (image.height === image.width) return cropped(image, part);
    throw new UsageError(
      `"crop_mode" is "center", and the image is not square: ${image.height} × ${image.width}. ` +
        'Describe the resizing in description.json.',
    );
  }
  if (mode === 'squash') {
    return { resize: { height: Math.floor(image.height / part), width: Math.floor(image.width / part) } };
  }
  throw new UsageError(`"crop_mode" is ${shown(mode)}, but must be "center" or "squash".`);
}
