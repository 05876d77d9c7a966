// How an image becomes what a model takes: the schemas of what a manifest says about sizes and colours.
// decoding/resize/ does it; the three rules alone, without an interpolation, are decoding/sharp-path.ts's.
import Type from 'typebox';

const Side = Type.Integer({ minimum: 1, maximum: 8192 });

export const Resize = Type.Union(
  [
    Type.Literal('fill'),
    Type.Literal('cover'),
    Type.Literal('contain'),
    Type.Object({ shorterSide: Side }, { additionalProperties: false }),
    Type.Object({ height: Side, width: Side }, { additionalProperties: false }),
  ],
  {
    description:
      'fill stretches; cover crops the centre to the shape of the model’s image and scales; contain pads to that shape ' +
      'with `background` and scales. shorterSide scales until the shorter side has so many pixels, height and width ' +
      'stretch; then the centre is cropped.',
  },
);
export type Resize = Type.Static<typeof Resize>;

export const interpolations = ['nearest', 'bilinear', 'bicubic', 'lanczos'] as const;

export const Interpolation = Type.Enum([...interpolations], {
  type: 'string',
  description:
    'Resizes as the libraries do that networks are trained with. Without it: by a kernel of the server’s choice.',
});
export type Interpolation = Type.Static<typeof Interpolation>;

export const Antialias = Type.Boolean({
  description:
    'Whether the kernel becomes wider where an image is reduced, as in Pillow (true, the default) and not in TensorFlow.',
});

export const Crop = Type.Enum(['centre', 'centre-floor'], {
  type: 'string',
  description:
    'Where the centre begins if an odd number of pixels is cut off: half of it rounded to the even neighbour, as ' +
    'torchvision does (centre, the default), or down, as Hugging Face and Keras do (centre-floor).',
});
export type Crop = Type.Static<typeof Crop>;

export const ColourProfile = Type.Enum(['convert', 'ignore'], {
  type: 'string',
  description:
    'What is done with an ICC profile in an image: its colours are converted to sRGB (convert, the default), or its ' +
    'values are taken as they are (ignore), as Pillow and TensorFlow do.',
});

export const Polarity = Type.Enum(['auto'], {
  type: 'string',
  description:
    'auto: an image whose border is mostly bright is inverted, for a model of white strokes on black. ' +
    'Of grey images only. Default: no image is.',
});

/** In a word: `fill`, `shorter-side-256`, `256x256`. */
export function nameResize(resize: Resize): string {
  if (typeof resize === 'string') return resize;
  return 'shorterSide' in resize ? `shorter-side-${resize.shorterSide}` : `${resize.height}x${resize.width}`;
}
