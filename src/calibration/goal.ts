// What a calibration is asked for.
import type { LossName, RiskData } from '../format/certificate.js';

export interface RiskLimit {
  readonly loss: LossName;
  /** The images that it is limited on. */
  readonly data: RiskData;
  /** The most it may be, in (0, 1). */
  readonly epsilon: number;
}

export interface CalibrationGoal {
  /** All of them hold together; none: the budget alone. */
  readonly risks: readonly RiskLimit[];
  /** In (0, 1). */
  readonly delta: number;
  /** Most mean FLOPs to execute. */
  readonly budgetFlops?: number;
  /** Side exits at which no image may leave. */
  readonly off?: ReadonlySet<number>;
}
