// A client: the owner of one or more API keys, with its weight and, if it has one, its budget.
import type { Clock } from '../foundation/clock.js';
import { Failure } from '../foundation/errors.js';
import { type Budget, type BudgetSettings, createBudget } from './budget.js';

/** What the keys file says about a client. */
export interface ClientSettings {
  /** Share of the workers while several clients wait, relative to theirs. Positive. */
  readonly weight: number;
  /** undefined: the client may use what is there. */
  readonly budget: BudgetSettings | undefined;
}

export interface Client {
  readonly name: string;
  readonly weight: number;
  readonly budget: Budget | undefined;
  /** Call before the client's images are admitted. @throws Failure `budget-exceeded` if nothing is left of its budget */
  checkBudget(): void;
  /**
   * Charges one image.
   * @param expectedFlops what it is expected to cost
   * @returns a function to call once, with the FLOPs that it has cost
   */
  charge(expectedFlops: number): (executedFlops: number) => void;
}

export interface ClientOptions {
  readonly name: string;
  readonly settings: ClientSettings;
  readonly now: Clock;
  readonly onExecuted: (flops: number) => void;
  /** Called for every refusal. */
  readonly onRefused: (waitSeconds: number) => void;
}

/** A client whose settings can change. */
export interface ChangeableClient extends Client {
  change(settings: ClientSettings): void;
}

export function createClient({ name, settings, now, ...events }: ClientOptions): ChangeableClient {
  let { weight } = settings;
  let budget = settings.budget && createBudget(settings.budget, now);

  return {
    name,
    get weight() {
      return weight;
    },
    get budget() {
      return budget;
    },
    checkBudget() {
      if (!budget || budget.balance() > 0) return;
      const waitSeconds = budget.waitSeconds();
      events.onRefused(waitSeconds);
      throw budgetExceeded(budget.settings, waitSeconds);
    },
    charge(expectedFlops) {
      const charged = budget;
      charged?.charge(expectedFlops);
      return (executedFlops) => {
        charged?.charge(executedFlops - expectedFlops);
        events.onExecuted(executedFlops);
      };
    },
    change(next) {
      ({ weight } = next);
      if (budget && next.budget) budget.change(next.budget);
      else budget = next.budget && createBudget(next.budget, now);
    },
  };
}

function budgetExceeded({ flopsPerSecond }: BudgetSettings, waitSeconds: number): Failure {
  return new Failure(
    'budget-exceeded',
    `This client has used up its budget of ${flopsPerSecond} FLOPs a second. Retry in ${waitSeconds.toFixed(3)} s.`,
    { retryAfterSeconds: retryAfter(waitSeconds) },
  );
}

/** Whole seconds. A balance of exactly 0 needs a moment too. */
export function retryAfter(waitSeconds: number): number {
  return Math.max(1, Math.ceil(waitSeconds));
}
