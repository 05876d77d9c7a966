// From a request's options to what exactly will run: which profile of the model, and how far down its path.
import { Failure } from '../foundation/errors.js';
import { deepestExitWithin, type ExecutionPath, lastStep } from '../network/execution-path.js';
import type { ServedModel, ServedProfile } from './catalog.js';

export interface PlanOptions {
  readonly profile?: string;
  readonly topK?: number;
  /** Deepest exit to run to, from 0. */
  readonly maxExit?: number;
  /** Most FLOPs to execute. */
  readonly maxFlops?: number;
  readonly deadlineMs?: number;
}

export interface Plan {
  readonly model: ServedModel;
  readonly profile: ServedProfile;
  readonly path: ExecutionPath;
  readonly topK: number;
  /** Seconds from admission; Infinity: none. */
  readonly deadlineSeconds: number;
}

/** @throws Failure `invalid-query`, naming the option and what would be acceptable */
export function createPlan(model: ServedModel, options: PlanOptions): Plan {
  const { exits, classes } = model.manifest;
  const { topK = 1, maxExit = exits.length - 1, maxFlops } = options;

  const profileName = options.profile ?? model.defaultProfile;
  const asked = model.profiles.get(profileName);
  if (!asked) {
    const known = [...model.profiles.keys()].join(', ');
    throw new Failure('invalid-query', `profile: ${model.id} has no "${profileName}", only ${known}.`);
  }
  if (topK > classes.length) {
    throw new Failure('invalid-query', `topK: ${model.id} has only ${classes.length} classes.`);
  }
  if (maxExit >= exits.length) {
    throw new Failure('invalid-query', `maxExit: the final exit of ${model.id} is ${exits.length - 1}.`);
  }
  const profile = asked.audit?.isAlarmed() ? model.full : asked;
  // A deeper stop may cost less than one before it, where the head there is dear and the profile has it off.
  const reachable = profile.paths.slice(0, maxExit + 1);
  const path = reachable[maxFlops === undefined ? maxExit : deepestExitWithin(reachable, maxFlops)];
  if (!path) {
    const cheapest = Math.min(...reachable.map((one) => lastStep(one).flops));
    const upTo = options.maxExit === undefined ? '' : ` up to ${maxExit}`;
    throw new Failure(
      'invalid-query',
      `maxFlops: the cheapest exit of ${model.id}${upTo} costs ${cheapest}.`,
    );
  }
  return {
    model,
    profile,
    path,
    topK,
    deadlineSeconds: (options.deadlineMs ?? Number.POSITIVE_INFINITY) / 1000,
  };
}
