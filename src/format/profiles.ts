// The schema of `calibration.json`: the profiles of a package, each a named vector of thresholds for one policy.
// The profile `full` is not in the file: it always exists, with all side exits off.
import Type from 'typebox';
import { describePolicies, type PolicyName, policyNames } from '../policies/policies.js';
import { Certificate, type CheckedCertificate } from './certificate.js';
import { TypicalityDocument } from './typicality.js';

export const CALIBRATION_FORMAT = 1;
export const FULL_PROFILE = 'full';

export const Policy = Type.Unsafe<PolicyName>({
  $id: 'Policy',
  enum: policyNames,
  type: 'string',
  description: describePolicies(),
});
export type Policy = PolicyName;

export const Thresholds = Type.Array(Type.Union([Type.Number(), Type.Null()]), {
  description: 'One per side exit, in order; null switches the exit off and its head is not executed.',
});

export const ProfileDocument = Type.Object(
  {
    description: Type.Optional(Type.String()),
    policy: Policy,
    thresholds: Thresholds,
    source: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'What the thresholds were chosen on.' }),
    ),
    certificate: Type.Optional(Certificate),
  },
  { additionalProperties: false },
);

export type ProfileDocument = Type.Static<typeof ProfileDocument>;

export const CalibrationDocument = Type.Object(
  {
    formatVersion: Type.Literal(CALIBRATION_FORMAT),
    defaultProfile: Type.String({ minLength: 1 }),
    profiles: Type.Record(Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,63}$' }), ProfileDocument, {
      additionalProperties: false,
    }),
    typicality: Type.Optional(TypicalityDocument),
  },
  { additionalProperties: false },
);
export type CalibrationDocument = Type.Static<typeof CalibrationDocument>;

/** A profile as the cascade uses it. */
export interface Profile {
  readonly name: string;
  readonly description: string;
  readonly policy: Policy;
  /** One per side exit; null: inactive. */
  readonly thresholds: readonly (number | null)[];
  /** The certificate, and whether it is valid; absent: the profile promises nothing. */
  readonly certificate?: CheckedCertificate;
}

/**
 * Whether a promise covers the answers under this profile. `full` needs no certificate, because it is the reference
 * with which certificates compare.
 */
export function isCertified({ name, certificate }: Profile): boolean {
  return name === FULL_PROFILE || certificate?.valid === true;
}

/** The profile `full`: only the final exit is active. */
export function fullProfile(exitCount: number): Profile {
  return {
    name: FULL_PROFILE,
    description: 'Every image runs to the final exit.',
    policy: 'entropy',
    thresholds: new Array<null>(exitCount - 1).fill(null),
  };
}
