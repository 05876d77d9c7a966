// The schema of `golden.json`: a few inputs with the expected logits of every exit.
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
