// The answer to one image: its schema (shown in OpenAPI), its type and its construction.
import Type from 'typebox';
import type { ExitReason } from '../cascade/cascade.js';
import { isCertified, Policy, type Profile } from '../format/profiles.js';
import { ref } from '../foundation/schema-ref.js';
import type { ImageTypicality } from '../typicality/typicality.js';
import type { RankedClass as RankedIndex } from '../workers/protocol.js';
import type { Outcome } from '../workers/request.js';
import type { Plan } from './plan.js';

const Milliseconds = (description: string) => Type.Number({ minimum: 0, description });
const Flops = (description: string) => Type.Integer({ format: 'int64', description });
const Probability = Type.Number({ minimum: 0, maximum: 1 });

export const RankedClass = Type.Object(
  { label: Type.String(), classIndex: Type.Integer({ minimum: 0 }), probability: Probability },
  { $id: 'RankedClass' },
);
export type RankedClass = Type.Static<typeof RankedClass>;

export const ModelId = Type.Object({ name: Type.String(), version: Type.String() }, { $id: 'ModelId' });

/** Not a closed enum: clients must accept unknown reasons, so generated code must not refuse them. */
export const Reason = Type.Unsafe<ExitReason>({
  $id: 'ExitReason',
  type: 'string',
  'x-extensible-enum': ['confident', 'final', 'budget', 'deadline'] satisfies ExitReason[],
  description:
    'confident: the score cleared the threshold; final: the last exit; budget: maxExit or maxFlops ' +
    'reached; deadline: deadlineMs had passed. Later releases may add reasons.',
});

export const ExitTaken = Type.Object(
  {
    index: Type.Integer({ minimum: 0, description: 'The exit taken, from 0.' }),
    name: Type.String(),
    of: Type.Integer({ minimum: 1, description: 'How many exits the network has.' }),
    score: Type.Number({ description: 'What the policy compared with the threshold.' }),
    threshold: Type.Unsafe<number | null>({
      type: ['number', 'null'],
      description: 'null where the profile has none, as at the final exit.',
    }),
    reason: ref(Reason),
  },
  { $id: 'ExitTaken' },
);

export const FlopsSpent = Type.Object(
  {
    executed: Flops(
      '2 × multiply-accumulates executed for this image, every head on the way included; with explain=full also ' +
        'those behind the exit taken.',
    ),
    full: Flops('What the backbone with its final exit alone would have cost.'),
    saved: Flops('full − executed; negative if the heads on the way cost more than was saved.'),
  },
  { $id: 'FlopsSpent' },
);

export const Timing = Type.Object(
  {
    decodeMs: Milliseconds('Decoding and resampling.'),
    queueMs: Milliseconds('Waiting for a worker.'),
    inferMs: Milliseconds('In the worker’s engine until this image left.'),
    totalMs: Milliseconds('From admission to answer.'),
  },
  { $id: 'Timing' },
);

export const ExplainedExit = Type.Object(
  {
    index: Type.Integer({ minimum: 0 }),
    name: Type.String(),
    score: Type.Number({ description: 'What the policy compares with the threshold.' }),
    threshold: Type.Unsafe<number | null>({
      type: ['number', 'null'],
      description: 'null where the profile has none, as at the final exit.',
    }),
    cleared: Type.Boolean({
      description:
        'Whether the score cleared the threshold: here an image may leave. false without a threshold.',
    }),
    flops: Flops('Executed up to here, every head on the way included.'),
    top: Type.Array(ref(RankedClass), {
      description: 'The topK most probable classes at this exit, best first.',
    }),
  },
  { $id: 'ExplainedExit' },
);

export const Explanation = Type.Object(
  {
    policy: ref(Policy),
    exits: Type.Array(ref(ExplainedExit), {
      description:
        'Every exit of the profile that was run for this image, in order. With explain=path the last one is the exit ' +
        'taken; with explain=full the last one is the final exit, and those behind the exit taken were run for the ' +
        'explanation alone.',
    }),
  },
  { $id: 'Explanation', description: 'What each exit said about the image.' },
);
type Explanation = Type.Static<typeof Explanation>;

export const Degraded = Type.Object(
  {
    wantedProfile: Type.String({ description: 'The profile that this request would have had without load.' }),
    certificate: Type.Optional(
      Type.String({
        description:
          '`sha256.profile` of the certificate of `profile`, which `GET /models` shows; absent for `full`, which needs none.',
      }),
    ),
  },
  {
    $id: 'Degraded',
    description:
      'Only where load has moved this request to a cheaper certified profile of the server’s ladder.',
  },
);

export const Capped = Type.Object(
  { maxFlops: Flops('The most FLOPs that the server allows this client for an image.') },
  {
    $id: 'Capped',
    description:
      'Only for a client after its slowdown alarm: an image that is not sure by then is answered at the deepest exit ' +
      'within this limit, with the reason `budget`.',
  },
);

export const Typicality = Type.Object(
  {
    pValue: Type.Number({
      minimum: 0,
      maximum: 1,
      description:
        'Conformal p-value: the share of images like the calibration images that look at least as unusual. At most α ' +
        'of such images have a p-value of at most α.',
    }),
    typical: Type.Boolean({
      description: 'false where the p-value is at most the level that `GET /models` shows, usually 0.01.',
    }),
  },
  {
    $id: 'Typicality',
    description:
      'Whether the image looks like the images that the model was calibrated on, by brightness, contrast, edges ' +
      'and colour; its content is not considered. Absent where the package does not say what those look like.',
  },
);

export const Prediction = Type.Object(
  {
    label: Type.String({ description: 'Name of the most probable class.' }),
    classIndex: Type.Integer({ minimum: 0 }),
    confidence: Type.Number({ minimum: 0, maximum: 1, description: 'Its probability at the exit taken.' }),
    top: Type.Array(ref(RankedClass), {
      description: 'The topK most probable classes, best first.',
    }),
    model: ref(ModelId),
    profile: Type.String({
      description:
        'The profile whose thresholds were applied: `full` instead of the one asked for after its audit’s alarm.',
    }),
    exit: ref(ExitTaken),
    flops: ref(FlopsSpent),
    timing: ref(Timing),
    certified: Type.Boolean({
      description:
        'Whether the promise of the profile’s certificate covers this answer (of `full`: that it is the network’s ' +
        'own). false without a valid certificate, and whenever the answer left the calibrated path.',
    }),
    inverted: Type.Optional(
      Type.Boolean({
        description:
          'true: the border of the image was bright, so it was inverted, as the model’s `polarity` says. Absent otherwise.',
      }),
    ),
    typicality: Type.Optional(ref(Typicality)),
    explanation: Type.Optional(ref(Explanation)),
    degraded: Type.Optional(ref(Degraded)),
    capped: Type.Optional(ref(Capped)),
  },
  { $id: 'Prediction' },
);
export type Prediction = Type.Static<typeof Prediction>;

/** Reasons for which the thresholds alone decided. */
const onCalibratedPath: ReadonlySet<ExitReason> = new Set(['confident', 'final']);

/** What the server did with the image, besides running the network. */
interface Handling {
  readonly isInverted: boolean;
  /** undefined: the package has no data for it. */
  readonly typicality: ImageTypicality | undefined;
  readonly decodeSeconds: number;
  readonly totalSeconds: number;
}

/** Builds the answer from the plan and the outcome. */
export function createPrediction(
  plan: Plan,
  outcome: Outcome,
  { isInverted, typicality, decodeSeconds, totalSeconds }: Handling,
): Prediction {
  const { model, profile, path, wantedProfile, limitFlops } = plan;
  const { exits } = model.manifest;
  const step = path[outcome.step] ?? path[0];
  const top = named(model, outcome.top);
  const { visits } = outcome;
  const { flops: executed } = path[visits?.at(-1)?.step ?? outcome.step] ?? step;
  const [best = { label: '', classIndex: -1, probability: 0 }] = top;
  return {
    label: best.label,
    classIndex: best.classIndex,
    confidence: best.probability,
    top,
    model: { name: model.name, version: model.version },
    profile: profile.name,
    exit: {
      index: step.exit,
      name: exits[step.exit]?.name ?? '',
      of: exits.length,
      score: outcome.score,
      threshold: step.threshold,
      reason: outcome.reason,
    },
    flops: { executed, full: model.fullFlops, saved: model.fullFlops - executed },
    timing: {
      decodeMs: decodeSeconds * 1000,
      queueMs: outcome.queueSeconds * 1000,
      inferMs: outcome.inferSeconds * 1000,
      totalMs: totalSeconds * 1000,
    },
    certified: isCertified(profile) && onCalibratedPath.has(outcome.reason),
    ...(isInverted && { inverted: true }),
    ...(typicality && { typicality }),
    ...(visits && { explanation: explain(plan, visits) }),
    ...(wantedProfile !== undefined && { degraded: degradedFrom(wantedProfile, profile) }),
    ...(limitFlops !== undefined && { capped: { maxFlops: limitFlops } }),
  };
}

function explain({ model, profile, path }: Plan, visits: NonNullable<Outcome['visits']>): Explanation {
  return {
    policy: profile.policy,
    exits: visits.map(({ step: index, score, cleared, top }) => {
      const { exit, threshold, flops } = path[index] ?? path[0];
      const name = model.manifest.exits[exit]?.name ?? '';
      return { index: exit, name, score, threshold, cleared, flops, top: named(model, top) };
    }),
  };
}

function named({ manifest }: Plan['model'], top: readonly RankedIndex[]): RankedClass[] {
  return top.map(({ classIndex, probability }) => {
    return { label: manifest.classes[classIndex] ?? '', classIndex, probability };
  });
}

function degradedFrom(wantedProfile: string, { certificate }: Profile): Type.Static<typeof Degraded> {
  return { wantedProfile, ...(certificate && { certificate: certificate.certificate.sha256.profile }) };
}
