// The schema of `manifest.json`: describes the network, the costs and the files of a model package.
// See also profiles.ts and golden.ts (the package's other documents), documents.ts (reads and checks them all).
import Type from 'typebox';
import { Examples, Expects } from './expectation.js';
import { Antialias, ColourProfile, Crop, Interpolation, Polarity, Resize } from './preprocessing.js';

export const MANIFEST_FORMAT = 1;

/** Name of a model, a version or an exit: safe in a path, a URL and a metric's label. */
export const Name = Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,63}$' });
const Flops = Type.Integer({ minimum: 0, format: 'int64' });

export const ModelInput = Type.Object(
  {
    tensor: Type.String({
      minLength: 1,
      description:
        'The graph input: float32, [N, channels, height, width] if `layout` does not say otherwise.',
    }),
    // Absent where it is nchw: certificates have a hash of what is said here.
    layout: Type.Optional(
      Type.Union([Type.Literal('nchw'), Type.Literal('nhwc')], {
        description: 'nhwc: the graph input is [N, height, width, channels]. Default: nchw.',
      }),
    ),
    height: Type.Integer({ minimum: 1, maximum: 4096 }),
    width: Type.Integer({ minimum: 1, maximum: 4096 }),
    channels: Type.Union([Type.Literal(1), Type.Literal(3)], { description: '1: grey, 3: RGB.' }),
    // Absent where it is rgb, or [0, 1], for the same reason.
    channelOrder: Type.Optional(
      Type.Enum(['rgb', 'bgr'], {
        type: 'string',
        description: 'How the graph takes the channels, and mean and std list them. Default: rgb.',
      }),
    ),
    range: Type.Optional(
      Type.Array(Type.Number(), {
        minItems: 2,
        maxItems: 2,
        description: 'What black and white become before mean and std. Default: [0, 1].',
      }),
    ),
    mean: Type.Array(Type.Number(), { description: 'Per channel, subtracted after scaling to `range`.' }),
    std: Type.Array(Type.Number({ exclusiveMinimum: 0 }), { description: 'Per channel, divided by last.' }),
    resize: Resize,
    interpolation: Type.Optional(Interpolation),
    antialias: Type.Optional(Antialias),
    crop: Type.Optional(Crop),
    colourProfile: Type.Optional(ColourProfile),
    // Absent where it is not corrected, as above.
    polarity: Type.Optional(Polarity),
    background: Type.Integer({
      minimum: 0,
      maximum: 255,
      description: 'Grey level behind transparent pixels and around a contained image.',
    }),
  },
  { additionalProperties: false },
);
export type ModelInput = Type.Static<typeof ModelInput>;

/** Cost of running the network up to and including one exit, in FLOPs (2 × multiply-accumulates) per image. */
export const ExitFlops = Type.Object(
  {
    stage: Type.Integer({ ...Flops, description: 'The backbone between the exit before and this one.' }),
    head: Type.Integer({ ...Flops, description: 'This exit’s head; 0 for the final exit.' }),
    cumulative: Type.Integer({
      ...Flops,
      description: 'All stages and heads up to here, every exit active.',
    }),
  },
  { $id: 'ExitFlops', additionalProperties: false },
);

export type ExitFlops = Type.Static<typeof ExitFlops>;

export const ManifestExit = Type.Object(
  {
    name: Name,
    logits: Type.String({ minLength: 1, description: 'Graph output: float32 [N, classes].' }),
    cut: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'The one tensor that crosses to the next stage; none at the end.',
      }),
    ),
    flops: ExitFlops,
  },
  { additionalProperties: false },
);
export type ManifestExit = Type.Static<typeof ManifestExit>;

export const Manifest = Type.Object(
  {
    formatVersion: Type.Literal(MANIFEST_FORMAT),
    name: Name,
    version: Name,
    description: Type.String(),
    licence: Type.String({ minLength: 1 }),
    classes: Type.Array(Type.String(), { minItems: 2 }),
    input: ModelInput,
    expects: Type.Optional(Expects),
    examples: Type.Optional(Examples),
    exits: Type.Array(ManifestExit, {
      minItems: 1,
      description: 'In order; the last one is the final exit.',
    }),
    provenance: Type.Record(Type.String(), Type.Unknown()),
    files: Type.Record(
      Type.String(),
      Type.Object(
        { bytes: Type.Integer({ minimum: 0 }), sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }) },
        { additionalProperties: false },
      ),
      { additionalProperties: false, description: 'Every file of the package but the manifest itself.' },
    ),
  },
  { additionalProperties: false },
);
export type Manifest = Type.Static<typeof Manifest>;
