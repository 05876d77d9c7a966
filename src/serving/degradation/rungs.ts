// Checks an operator's ladder against a model's profiles: a rung must be certified, and none may cost more than the one
// before it. ladder.ts moves on the rungs.
import { FULL_PROFILE, isCertified, type Profile } from '../../format/profiles.js';

/** One profile of a ladder. */
export interface Rung {
  /** Name of the profile. */
  readonly name: string;
  /** Mean FLOPs per image, as certified; for `full`, its FLOPs. */
  readonly flops: number;
  /** Whether the profile's audit has raised its alarm. */
  isAlarmed(): boolean;
}

/** The parts of a served model (catalog.ts) that a ladder needs. */
export interface LadderSubject {
  readonly profiles: ReadonlyMap<string, Profile & { readonly audit: { isAlarmed(): boolean } | undefined }>;
  readonly defaultProfile: string;
  readonly fullFlops: number;
}

/** @param names the ladder, first rung first. @returns its rungs, or in one sentence why the model cannot use it */
export function rungsOf(names: readonly string[], model: LadderSubject): readonly Rung[] | string {
  const { profiles, defaultProfile } = model;
  const [first = ''] = names;
  if (first !== defaultProfile) {
    return `The ladder begins with "${first}", but must begin with the model’s default profile "${defaultProfile}".`;
  }
  const rungs: Rung[] = [];
  for (const name of names) {
    const profile = profiles.get(name);
    if (!profile) return `The model has no profile "${name}", only ${[...profiles.keys()].join(', ')}.`;
    if (!isCertified(profile)) {
      const reason = profile.certificate?.reason;
      return `The profile "${name}" is not certified: ${reason ?? 'it has no certificate'}.`;
    }
    const flops = meanFlops(profile, model.fullFlops);
    const before = rungs.at(-1);
    if (before && flops > before.flops) {
      return (
        `The profile "${name}" costs ${Math.round(flops)} FLOPs an image, more than ` +
        `"${before.name}" before it with ${Math.round(before.flops)}.`
      );
    }
    rungs.push({ name, flops, isAlarmed: () => profile.audit?.isAlarmed() ?? false });
  }
  return rungs;
}

function meanFlops({ name, certificate }: Profile, fullFlops: number): number {
  return name === FULL_PROFILE || !certificate ? fullFlops : certificate.certificate.flops.mean;
}
