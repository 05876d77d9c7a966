// The live audit of one profile. It draws a random sample of answers, runs those that left early to the final exit in
// the background, compares both answers and passes the result to the monitor. Its alarm takes the profile out of
// service (plan.ts).
import { createMonitor } from '../../calibration/statistics/risk-monitor.js';
import type { ImageValues } from '../../cascade/image-tensor.js';
import type { Policy } from '../../format/profiles.js';
import type { ExecutionPath } from '../../network/execution-path.js';
import type { Network } from '../../network/network.js';
import type { BackgroundJob, BackgroundOutcome } from '../../workers/background-lane.js';
import type { Outcome } from '../../workers/request.js';

/** Result of a sampled answer. failed: the answer or its audit did not finish. dropped: there was no place for it. */
export type AuditResult = Settled | 'dropped';
type Settled = 'agreed' | 'differed' | 'failed';

export interface AuditState {
  /** Certified limit of the share of differing answers; undefined: not certified, so there is no alarm. */
  readonly epsilon: number | undefined;
  readonly results: Readonly<Record<AuditResult, number>>;
  /** See `Monitor`. */
  readonly evidence: number;
  readonly isAlarmed: boolean;
}

/** A sampled answer. Call exactly one of the two methods. */
export interface Sample {
  /** @param image from which the answer was computed */
  answered(outcome: Outcome, image: ImageValues): void;
  notAnswered(): void;
}

export interface ProfileAudit {
  state(): AuditState;
  isAlarmed(): boolean;
  /** Call before an image runs. @returns undefined if the image is not sampled */
  draw(plan: AuditedPlan): Sample | undefined;
  /** Restarts the monitor without evidence and without alarm. */
  reset(): void;
}

/** The parts of a plan (plan.ts) that an audit needs. */
export interface AuditedPlan {
  readonly model: Network & { readonly full: { readonly policy: Policy; readonly path: ExecutionPath } };
  readonly profile: { readonly paths: readonly ExecutionPath[] };
  readonly path: ExecutionPath;
  readonly deadlineSeconds: number;
}

/** See dispatcher.ts. */
export type RunInBackground = (job: BackgroundJob) => Promise<BackgroundOutcome>;

/** Places for samples in progress, shared by all profiles. */
export interface AuditPlaces {
  /** @returns whether there was a free place */
  take(): boolean;
  giveBack(): void;
}

export interface ProfileAuditOptions {
  readonly epsilon: number | undefined;
  readonly alpha: number;
  /** Share of answers that are sampled. */
  readonly fraction: number;
  readonly places: AuditPlaces;
  readonly run: RunInBackground;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Called after every result, and after a reset. */
  readonly onChange: (state: AuditState, result: AuditResult | undefined) => void;
  /** @param seconds engine time of an audit */
  readonly onCost: (seconds: number) => void;
}

export function createProfileAudit(options: ProfileAuditOptions): ProfileAudit {
  const { epsilon, alpha, fraction, places, random, onChange } = options;
  const fresh = () => (epsilon === undefined ? undefined : createMonitor(epsilon, alpha));
  const results = { agreed: 0, differed: 0, failed: 0, dropped: 0 };
  /** In the order in which they were drawn. Bets use this order, so an answer that needs no run must not overtake. */
  const samples: { result: Settled | undefined }[] = [];
  let monitor = fresh();

  const isAlarmed = () => monitor?.isAlarmed() ?? false;
  const state = (): AuditState => ({
    epsilon,
    results: { ...results },
    evidence: monitor?.evidence() ?? 1,
    isAlarmed: isAlarmed(),
  });

  function count(result: AuditResult): void {
    results[result]++;
    onChange(state(), result);
  }

  function observeInOrder(): void {
    for (let [first] = samples; first?.result !== undefined; [first] = samples) {
      samples.shift();
      places.giveBack();
      if (first.result !== 'failed' && !isAlarmed()) monitor?.observe(first.result === 'differed' ? 1 : 0);
      count(first.result);
    }
  }

  function draw(plan: AuditedPlan): Sample | undefined {
    if (random() >= fraction || !isCertifiedTraffic(plan)) return undefined;
    // Decided before the outcome is known, so that dropping does not bias the sample.
    if (!places.take()) {
      count('dropped');
      return undefined;
    }
    const sample: (typeof samples)[number] = { result: undefined };
    samples.push(sample);
    const settle = (result: Settled): void => {
      sample.result = result;
      observeInOrder();
    };
    return {
      notAnswered: () => settle('failed'),
      answered(outcome, image) {
        // An answer of the final exit is the full network's answer.
        if (outcome.reason === 'final') settle('agreed');
        else compare(plan, outcome, image).then(settle, () => settle('failed'));
      },
    };
  }

  async function compare({ model }: AuditedPlan, outcome: Outcome, image: ImageValues): Promise<Settled> {
    const { policy, path } = model.full;
    const whole = await options.run({ network: model, policy, path, image });
    options.onCost(whole.seconds);
    const [best] = whole.top;
    if (!Number.isFinite(best?.probability)) return 'failed';
    return best?.classIndex === outcome.top[0]?.classIndex ? 'agreed' : 'differed';
  }

  return {
    state,
    isAlarmed,
    draw,
    reset() {
      monitor = fresh();
      onChange(state(), undefined);
    },
  };
}

/** Limits and deadlines change the exits that images take, so the certificate does not cover such requests. */
function isCertifiedTraffic({ profile, path, deadlineSeconds }: AuditedPlan): boolean {
  return path === profile.paths.at(-1) && deadlineSeconds === Number.POSITIVE_INFINITY;
}
