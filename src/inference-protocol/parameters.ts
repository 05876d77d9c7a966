// The parameters of a request: this server's own, by the names of the protocol's style, and those that clients of the
// protocol send of themselves. Others are refused, because a budget with a typing error would be no budget.
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { Failure } from '../foundation/errors.js';
import type { ServedModel } from '../serving/catalog.js';
import { createPlan, type Plan } from '../serving/plan.js';
import { PlanOptions } from '../serving/plan-options.js';
import type { Caller } from '../serving/slowdown/slowdown-watch.js';
import { shown } from './tensors.js';

const { profile, maxExit, maxFlops, deadlineMs } = PlanOptions.properties;

export const RequestParameters = Type.Object(
  {
    profile,
    max_exit: maxExit,
    max_flops: maxFlops,
    deadline_ms: deadlineMs,
    timeout: Type.Optional(
      Type.Integer({
        minimum: 0,
        format: 'int64',
        description: 'The deadline in microseconds, as Triton’s clients send it; 0: none.',
      }),
    ),
    binary_data_output: Type.Optional(
      Type.Boolean({
        description: 'Whether outputs are binary that do not say it themselves. Default: false.',
      }),
    ),
  },
  { description: 'How to classify the images.' },
);
export type RequestParameters = Readonly<Record<string, unknown>>;

const check = Compile(RequestParameters);

/** What clients may send for other servers; without effect here, where each request stands for itself. */
const withoutEffect = new Set([
  'priority',
  'sequence_id',
  'sequence_start',
  'sequence_end',
  'content_type',
  'headers',
  'triton_enable_empty_final_response',
]);

/** Those of a strict server, where no parameter may move the exit. */
const strictParameters: readonly string[] = ['profile', 'binary_data_output'];

/** The names under which a plan's options stand in its failures. */
const ownNames: Readonly<Record<string, string>> = {
  maxExit: 'max_exit',
  maxFlops: 'max_flops',
  deadlineMs: 'deadline_ms',
};

/** @throws Failure `invalid-body` that names the parameter */
export function planOf(
  model: ServedModel,
  parameters: RequestParameters,
  topK: number,
  isStrict: boolean,
  caller?: Caller,
): Plan {
  const known = isStrict ? strictParameters : Object.keys(RequestParameters.properties);
  const unknown = Object.keys(parameters).find((name) => !known.includes(name) && !withoutEffect.has(name));
  if (unknown !== undefined) {
    throw new Failure(
      'invalid-body',
      `The parameter ${shown(unknown)} is not known here: ${known.join(', ')}.`,
    );
  }
  if (!check.Check(parameters)) {
    const [error] = check.Errors(parameters);
    throw new Failure('invalid-body', `The parameter ${error?.instancePath.slice(1)} ${error?.message}.`);
  }
  const given = parameters as Type.Static<typeof RequestParameters>;
  const deadline = deadlineOf(given);
  try {
    const options = {
      topK,
      ...(given.profile !== undefined && { profile: given.profile }),
      ...(given.max_exit !== undefined && { maxExit: given.max_exit }),
      ...(given.max_flops !== undefined && { maxFlops: given.max_flops }),
      ...(deadline !== undefined && { deadlineMs: deadline }),
    };
    return createPlan(model, options, caller);
  } catch (error) {
    if (!(error instanceof Failure) || error.type !== 'invalid-query') throw error;
    const detail = error.message.replace(/^\w+(?=:)/, (name) => ownNames[name] ?? name);
    throw new Failure('invalid-body', detail, { cause: error });
  }
}

/** The earlier of the two; undefined: none. */
function deadlineOf({ deadline_ms, timeout }: Type.Static<typeof RequestParameters>): number | undefined {
  const given = [deadline_ms, timeout && timeout / 1000].filter((one): one is number => !!one);
  return given.length === 0 ? undefined : Math.min(...given);
}
