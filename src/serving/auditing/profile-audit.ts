// The live audit of one profile: a random sample of its answers, those that left early run to the end in the
// background, compared, and shown to the monitor. Its alarm takes the profile out of service (plan.ts).
import { createMonitor } from '../../calibration/statistics/risk-monitor.js';
import type { Policy } from '../../format/profiles.js';
import type { ExecutionPath } from '../../network/execution-path.js';
import type { Network } from '../../network/network.js';
import type { BackgroundJob, BackgroundOutcome } from '../../workers/background-lane.js';
import type { Outcome } from '../../workers/request.js';

/** What came of a sampled answer. failed: it, or its audit, did not come to an end. dropped: there was no place. */
export type AuditResult = Settled | 'dropped';
type Settled = 'agreed' | 'differed' | 'failed';

export interface AuditState {
  /** The most that the certificate says may differ; undefined: it does not say, so there is no alarm. */
  readonly epsilon: number | undefined;
  readonly results: Readonly<Record<AuditResult, number>>;
  /** See `Monitor`. */
  readonly evidence: number;
  readonly isAlarmed: boolean;
}

/** An answer that is in the sample; exactly one of the two is called. */
export interface Sample {
  /** @param pixels uint8 [height, width, channels], as the answer was computed from */
  answered(outcome: Outcome, pixels: Uint8Array): void;
  notAnswered(): void;
}

export interface ProfileAudit {
  state(): AuditState;
  isAlarmed(): boolean;
  /** To be asked before a request runs. @returns undefined for most: they are not in the sample. */
  draw(plan: AuditedPlan): Sample | undefined;
  /** Begins anew, the alarm included. */
  reset(): void;
}

/** What an audit must know of a request; see plan.ts. */
export interface AuditedPlan {
  readonly model: Network & { readonly full: { readonly policy: Policy; readonly path: ExecutionPath } };
  readonly profile: { readonly paths: readonly ExecutionPath[] };
  readonly path: ExecutionPath;
  readonly deadlineSeconds: number;
}

/** See dispatcher.ts. */
export type RunInBackground = (job: BackgroundJob) => Promise<BackgroundOutcome>;

/** Room for samples under way, shared by all profiles. */
export interface AuditPlaces {
  /** @returns whether there was one */
  take(): boolean;
  giveBack(): void;
}

export interface ProfileAuditOptions {
  readonly epsilon: number | undefined;
  readonly alpha: number;
  /** Share of answers that is sampled. */
  readonly fraction: number;
  readonly places: AuditPlaces;
  readonly run: RunInBackground;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** After every result, and after a reset. */
  readonly onChange: (state: AuditState, result: AuditResult | undefined) => void;
  /** @param seconds engine time of an audit */
  readonly onCost: (seconds: number) => void;
}

export function createProfileAudit(options: ProfileAuditOptions): ProfileAudit {
  const { epsilon, alpha, fraction, places, random, onChange } = options;
  const fresh = () => (epsilon === undefined ? undefined : createMonitor(epsilon, alpha));
  const results = { agreed: 0, differed: 0, failed: 0, dropped: 0 };
  /** In the order of their drawing, which is that of the bets: an answer that needs no run may not overtake. */
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
    // Decided before the outcome is known, so that what is dropped says nothing about what is not.
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
      answered(outcome, pixels) {
        // Whoever ran to the end agrees with itself.
        if (outcome.reason === 'final') settle('agreed');
        else compare(plan, outcome, pixels).then(settle, () => settle('failed'));
      },
    };
  }

  async function compare({ model }: AuditedPlan, outcome: Outcome, pixels: Uint8Array): Promise<Settled> {
    const { policy, path } = model.full;
    const whole = await options.run({ network: model, policy, path, pixels });
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

/** Limits and deadlines change who leaves where: such traffic is not what was certified. */
function isCertifiedTraffic({ profile, path, deadlineSeconds }: AuditedPlan): boolean {
  return path === profile.paths.at(-1) && deadlineSeconds === Number.POSITIVE_INFINITY;
}
