// The schemas of `golden.json` and `golden-images.json`: a few inputs with the expected logits of every exit.
// Each worker reproduces them with its own segments before a model is served.
import Type from 'typebox';

export const GoldenDocument = Type.Object(
  {
    tolerance: Type.Number({ exclusiveMinimum: 0, description: 'Largest absolute difference of any logit.' }),
    cases: Type.Array(
      Type.Object(
        {
          pixels: Type.String({ description: 'Base64 of uint8 [height, width, channels], row-major.' }),
          logits: Type.Array(Type.Array(Type.Number()), { description: '[exits][classes]' }),
        },
        { additionalProperties: false },
      ),
      { minItems: 1 },
    ),
  },
  { additionalProperties: false },
);
export type GoldenDocument = Type.Static<typeof GoldenDocument>;

export const MOST_GOLDEN_IMAGES = 16;

/** The schema of `golden-images.json`: encoded images instead of pixels, so that preprocessing is proven, too. */
export const GoldenImages = Type.Object(
  {
    tolerance: Type.Number({
      exclusiveMinimum: 0,
      description:
        'Largest absolute difference of any logit. Pixels that are rounded otherwise move logits more than arithmetic does.',
    }),
    cases: Type.Array(
      Type.Object(
        {
          image: Type.String({ description: 'Base64 of a PNG, JPEG or WebP file.' }),
          logits: Type.Array(Type.Array(Type.Number()), { description: '[exits][classes]' }),
        },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: MOST_GOLDEN_IMAGES },
    ),
  },
  { additionalProperties: false },
);
export type GoldenImages = Type.Static<typeof GoldenImages>;
