// The goal of a calibration: its risk limits, its confidence and its budget.
import type { LossName, RiskData } from '../format/certificate.js';
import type { CostByExit } from './cost.js';

export interface RiskLimit {
  readonly loss: LossName;
  /** The images on which the risk is limited. */
  readonly data: RiskData;
  /** Upper limit of the risk, in (0, 1). */
  readonly epsilon: number;
}

export interface CalibrationGoal {
  /** All limits hold at the same time. Empty: only the budget is tested. */
  readonly risks: readonly RiskLimit[];
  /** Error probability δ of the certificate, in (0, 1). */
  readonly delta: number;
  /** Upper limit of the mean FLOPs per image. */
  readonly budgetFlops?: number;
  /** The cost that the search for a path lowers. Default: FLOPs. */
  readonly costOf?: CostByExit;
  /** Side exits at which no image may leave. */
  readonly off?: ReadonlySet<number>;
}
