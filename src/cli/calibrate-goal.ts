// The goal of `rdi-serve calibrate`, from its flags: limits on the images, on their adversarial copies, and on cost.
import type { CalibrationGoal, RiskLimit } from '../calibration/goal.js';
import type { LossName, RiskData } from '../format/certificate.js';
import { UsageError } from '../foundation/errors.js';

export interface GoalOptions {
  readonly risk?: readonly LossName[];
  readonly epsilon?: readonly number[];
  readonly delta: number;
  readonly budget?: number;
  readonly adversarial?: string;
  readonly attack?: string;
  readonly adversarialRisk?: readonly LossName[];
  readonly adversarialEpsilon?: readonly number[];
  readonly adversarialScores?: string;
  /** false: the images have no classes. */
  readonly labels?: string | boolean;
}

/** @throws UsageError if the numbers of risks and limits differ, or the risks do not fit the other flags */
export function goalOf(options: GoalOptions): CalibrationGoal {
  const { risk, epsilon = [], delta, budget } = options;
  const losses = risk ?? (budget === undefined || epsilon.length > 0 ? (['consistency'] as const) : []);
  const risks = [
    ...limitsOf('clean', losses, epsilon),
    ...(hasCopies(options)
      ? limitsOf('adversarial', options.adversarialRisk ?? losses, options.adversarialEpsilon ?? epsilon)
      : []),
  ];
  if (options.labels === false && risks.some(({ loss }) => loss === 'error')) {
    throw new UsageError('--risk error needs the true classes: it cannot be used with --no-labels.');
  }
  return { risks, delta, ...(budget !== undefined && { budgetFlops: budget }) };
}

/** @throws UsageError if there are flags for copies but no copies, or copies but no --attack */
function hasCopies(options: GoalOptions): boolean {
  const { adversarial, adversarialScores, attack, adversarialRisk, adversarialEpsilon } = options;
  if (adversarial === undefined && adversarialScores === undefined) {
    if (attack === undefined && !adversarialRisk && !adversarialEpsilon) return false;
    throw new UsageError('--attack, --adversarial-risk and --adversarial-epsilon need --adversarial.');
  }
  if (!attack?.trim()) {
    throw new UsageError(
      'Say with --attack which attack made the adversarial copies: the certificate states it.',
    );
  }
  return true;
}

function limitsOf(data: RiskData, losses: readonly LossName[], epsilon: readonly number[]): RiskLimit[] {
  const isComplete = data === 'clean' || losses.length > 0;
  if (new Set(losses).size !== losses.length || losses.length !== epsilon.length || !isComplete) {
    const prefix = data === 'clean' ? '--' : '--adversarial-';
    throw new UsageError(
      `Give one ${prefix}epsilon for each ${prefix}risk, such as ${prefix}risk consistency ${prefix}epsilon 0.01.`,
    );
  }
  return losses.map((loss, index) => ({ loss, data, epsilon: epsilon[index] ?? 0 }));
}
