// The certificate of a profile: what it promises, the evidence, and the hashes of the files that it is about.
// calibration/statement.ts writes its statement.
import { createHash } from 'node:crypto';
import Type from 'typebox';

export const LossName = Type.Enum(['consistency', 'error'], {
  type: 'string',
  description:
    'consistency: 1 where the answer is not the final exit’s, else 0. ' +
    'error: 1 where only the final exit is right, −1 where only the answer is, else 0.',
});
export type LossName = Type.Static<typeof LossName>;

export const RiskData = Type.Enum(['clean', 'adversarial'], {
  type: 'string',
  description: 'clean: the calibration images as they are. adversarial: copies of them that an attack made.',
});
export type RiskData = Type.Static<typeof RiskData>;

const Sha256 = (description: string) => Type.String({ pattern: '^[0-9a-f]{64}$', description });
const Share = Type.Number({ minimum: 0, maximum: 1 });
const Flops = (description: string) => Type.Number({ minimum: 0, description });

export const Certificate = Type.Object(
  {
    statement: Type.String({ description: 'What it says and does not say, in plain words.' }),
    delta: Type.Number({
      exclusiveMinimum: 0,
      exclusiveMaximum: 1,
      description: 'δ: the chance that the calibration images misled.',
    }),
    risks: Type.Array(
      Type.Object(
        {
          loss: LossName,
          // Missing in certificates of earlier versions.
          data: Type.Optional(RiskData),
          epsilon: Type.Number({
            exclusiveMinimum: 0,
            exclusiveMaximum: 1,
            description: 'ε: the most it is.',
          }),
          observed: Type.Number({
            minimum: -1,
            maximum: 1,
            description: 'Mean loss on the cal images, or copies.',
          }),
          pValue: Share,
          test: Type.String({ description: 'Where the p-value comes from.' }),
        },
        { additionalProperties: false },
      ),
      { description: 'Kept together; empty where only the budget is. Without `data`: on clean images.' },
    ),
    adversarialCopies: Type.Optional(
      Type.Object(
        {
          attack: Type.String({ description: 'What made them, as the operator says.' }),
          sha256: Sha256('Of the data set of copies.'),
        },
        { additionalProperties: false, description: 'Of all calibration images; split as these are.' },
      ),
    ),
    flops: Type.Object(
      {
        mean: Flops('Executed per image, mean over the cal images.'),
        bound: Flops('The true mean is below this with probability at least 1 − δ.'),
        budget: Type.Optional(Flops('The most mean FLOPs, certified at the same δ as the risks.')),
      },
      { additionalProperties: false },
    ),
    exitShares: Type.Array(Share, {
      description: 'Per exit, the share of the cal images that leaves there.',
    }),
    images: Type.Object(
      {
        tune: Type.Integer({ minimum: 1, description: 'The path was built on these.' }),
        cal: Type.Integer({ minimum: 1, description: 'It was tested on these.' }),
        seed: Type.Integer({ format: 'int64', description: 'Of the split.' }),
      },
      { additionalProperties: false },
    ),
    path: Type.Object(
      {
        points: Type.Integer({ minimum: 1 }),
        certified: Type.Integer({ minimum: 0, description: 'The point that this profile is, from 0.' }),
      },
      { additionalProperties: false },
    ),
    sha256: Type.Object(
      {
        model: Sha256('Of model.onnx.'),
        input: Sha256('Of what the manifest says about input and exits.'),
        profile: Sha256('Of policy and thresholds.'),
        path: Sha256('Of the whole path, frozen before it was tested.'),
        data: Sha256('Of the data set that tune and cal were drawn from.'),
      },
      { additionalProperties: false },
    ),
    date: Type.String({ description: 'When it was made, ISO 8601.' }),
    tool: Type.String(),
  },
  { $id: 'Certificate', additionalProperties: false },
);
export type Certificate = Type.Static<typeof Certificate>;

/** A certificate, and whether it is valid for the package in which it was found. */
export interface CheckedCertificate {
  readonly certificate: Certificate;
  readonly valid: boolean;
  /** Why it is not valid; empty if it is. */
  readonly reason: string;
}

/** The hashes of a certificate that can be computed from a package. */
export type Subject = Pick<Certificate['sha256'], 'model' | 'input' | 'profile'>;

const changes: Readonly<Record<keyof Subject, string>> = {
  model: 'model.onnx is not the file that was certified',
  input: 'the manifest describes another input or other exits than were certified',
  profile: 'policy or thresholds are not those that were certified',
};

/** A certificate is valid only for the network, preprocessing and thresholds for which it was made. */
export function checkCertificate(certificate: Certificate, subject: Subject): CheckedCertificate {
  const reasons = (['model', 'input', 'profile'] as const)
    .filter((key) => certificate.sha256[key] !== subject[key])
    .map((key) => changes[key]);
  return { certificate, valid: reasons.length === 0, reason: reasons.join('; ') };
}

interface Described {
  readonly input: object;
  readonly exits: readonly { readonly logits: string; readonly cut?: string }[];
  readonly files: Readonly<Record<string, { readonly sha256: string } | undefined>>;
}

/** The hashes of a profile in a package. @param manifest its listed file hashes must have been verified */
export function subjectOf(
  manifest: Described,
  { policy, thresholds }: { readonly policy: string; readonly thresholds: readonly (number | null)[] },
): Subject {
  return {
    model: manifest.files['model.onnx']?.sha256 ?? '',
    input: hashOf(inputAndOutputs(manifest)),
    profile: hashOf([policy, thresholds]),
  };
}

/** Hash of everything besides model.onnx on which recorded scores depend: preprocessing, exits and classes. */
export function describedSha256(
  manifest: Pick<Described, 'input' | 'exits'> & { readonly classes: readonly string[] },
): string {
  return hashOf([...inputAndOutputs(manifest), manifest.classes]);
}

/** Hash of the preprocessing alone, on which the pixels of an image depend. */
export function inputSha256(input: object): string {
  return hashOf(sortedEntries(input));
}

/** Every certificate contains a hash of this value. If its form changes, all existing certificates become invalid. */
function inputAndOutputs({ input, exits }: Pick<Described, 'input' | 'exits'>): unknown[] {
  const outputs = exits.map(({ logits, cut }) => [logits, cut ?? null]);
  return [sortedEntries(input), outputs];
}

function sortedEntries(input: object): unknown[] {
  return Object.entries(input).sort(([a], [b]) => (a < b ? -1 : 1));
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
