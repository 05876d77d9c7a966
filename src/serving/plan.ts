// Turns a request's options into a plan: which profile of the model runs, and which path.
import type { Explain } from '../cascade/explain.js';
import { Failure } from '../foundation/errors.js';
import { deepestExitWithin, type ExecutionPath, lastStep } from '../network/execution-path.js';
import type { ServedModel, ServedProfile } from './catalog.js';
import type { PlanOptions } from './plan-options.js';
import type { Caller } from './slowdown/slowdown-watch.js';

export interface Plan {
  readonly model: ServedModel;
  readonly profile: ServedProfile;
  /** The profile that the request would have without load; undefined: it has it. */
  readonly wantedProfile: string | undefined;
  readonly path: ExecutionPath;
  /** The client; undefined: clients are not tested. */
  readonly caller: Caller | undefined;
  /** The most FLOPs that the server allows the client after its alarm; undefined: any number. */
  readonly limitFlops: number | undefined;
  readonly topK: number;
  /** Seconds from admission; Infinity: none. */
  readonly deadlineSeconds: number;
  /** undefined: the answer is not explained. */
  readonly explain: Explain | undefined;
}

/** @throws Failure `invalid-query` that names the option and its acceptable values */
export function createPlan(model: ServedModel, options: PlanOptions, caller?: Caller): Plan {
  const { exits, classes } = model.manifest;
  const { topK = 1, maxExit = exits.length - 1, maxFlops } = options;

  const degradedTo = takesPart(options) ? degradedProfile(model) : undefined;
  const profileName = options.profile ?? degradedTo ?? model.defaultProfile;
  const asked = model.profiles.get(profileName);
  if (!asked) {
    const known = [...model.profiles.keys()].join(', ');
    throw new Failure('invalid-query', `profile: ${model.label} has no "${profileName}", only ${known}.`);
  }
  if (topK > classes.length) {
    throw new Failure('invalid-query', `topK: ${model.label} has only ${classes.length} classes.`);
  }
  if (maxExit >= exits.length) {
    throw new Failure('invalid-query', `maxExit: the final exit of ${model.label} is ${exits.length - 1}.`);
  }
  const profile = asked.audit?.isAlarmed() ? model.full : asked;
  // A deeper last exit can cost less than an earlier one, if the earlier exit has an expensive head and is off in the
  // profile: as a last exit its head is executed.
  const reachable = profile.paths.slice(0, maxExit + 1);
  const limit = caller?.flopsLimit(model, profile);
  // The server's own limit never refuses: the cheapest answer remains.
  const limitFlops = limit === undefined ? undefined : Math.max(Math.floor(limit), cheapestOf(reachable));
  const most = Math.min(maxFlops ?? Number.POSITIVE_INFINITY, limitFlops ?? Number.POSITIVE_INFINITY);
  const path = reachable[most === Number.POSITIVE_INFINITY ? maxExit : deepestExitWithin(reachable, most)];
  if (!path) {
    const cheapest = cheapestOf(reachable);
    const upTo = options.maxExit === undefined ? '' : ` up to ${maxExit}`;
    throw new Failure(
      'invalid-query',
      `maxFlops: the cheapest exit of ${model.label}${upTo} costs ${cheapest}.`,
    );
  }
  if (options.explain === 'full') checkFullRun(model, profile, path, limitFlops);
  return {
    model,
    profile,
    // After the alarm of a cheaper rung the answer is that of `full`: nothing less than was wanted.
    wantedProfile: degradedTo !== undefined && profile === asked ? model.defaultProfile : undefined,
    path,
    caller,
    limitFlops,
    topK,
    explain: options.explain,
    deadlineSeconds: (options.deadlineMs ?? Number.POSITIVE_INFINITY) / 1000,
  };
}

/** FLOPs that an image is expected to cost: as certified, or else at most. */
export function expectedFlops({ profile: { certificate }, path, explain }: Plan): number {
  const most = lastStep(path).flops;
  if (explain === 'full' || !certificate?.valid) return most;
  return Math.min(most, certificate.certificate.flops.mean);
}

function cheapestOf(paths: readonly ExecutionPath[]): number {
  return Math.min(...paths.map((path) => lastStep(path).flops));
}

/** An explanation never executes more than the client allows. @throws Failure `invalid-query` */
function checkFullRun(
  { id, full }: ServedModel,
  { name, paths }: ServedProfile,
  path: ExecutionPath,
  limitFlops: number | undefined,
): void {
  const whole = lastStep(paths.at(-1) ?? full.path);
  if (lastStep(path).exit === whole.exit) return;
  throw new Failure(
    'invalid-query',
    `explain: full runs ${id} under ${name} to exit ${whole.exit}, for ${whole.flops} FLOPs, more than maxExit, ` +
      `maxFlops or this server’s limit for the client${limitFlops === undefined ? '' : `, ${limitFlops},`} allows. ` +
      'Use explain=path.',
  );
}

/**
 * Whether load may degrade the request. A client that names a profile or limits the path itself has decided. With
 * another profile, a limit could also end elsewhere, or be too small.
 */
function takesPart({ profile, maxExit, maxFlops }: PlanOptions): boolean {
  return profile === undefined && maxExit === undefined && maxFlops === undefined;
}

/** The present profile of the model's ladder; undefined: the default one. */
function degradedProfile({ ladder: state }: ServedModel): string | undefined {
  const ladder = state?.ladder;
  return ladder && ladder.position() > 0 ? ladder.present().name : undefined;
}
