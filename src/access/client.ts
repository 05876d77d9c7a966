// A client: the owner of one or more API keys, with its weight and, if it has one, its budget.
import type { Clock } from '../foundation/clock.js';
import { Failure } from '../foundation/errors.js';
import { type Budget, type BudgetSettings, createBudget } from './budget.js';
import type { RefusalPace } from './refusal-pace.js';

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
  /** Whether anything is left of its budget; always, if it has none. */
  hasBudget(): boolean;
  /**
   * Refuses a request of which nothing has been read, because nothing is left of the budget. Resolves at once, or when it
   * is this refusal's turn. @returns the Failure `budget-exceeded` to answer with
   */
  refuse(): Promise<Failure>;
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
  readonly refusalPace: RefusalPace;
  readonly onExecuted: (flops: number) => void;
  /** Called for every refusal. */
  readonly onRefused: (waitSeconds: number) => void;
}

/** A client whose settings can change. */
export interface ChangeableClient extends Client {
  change(settings: ClientSettings): void;
}

export function createClient(options: ClientOptions): ChangeableClient {
  const { name, settings, now, refusalPace } = options;
  let { weight } = settings;
  let budget = settings.budget && createBudget(settings.budget, now);

  function hasBudget(): boolean {
    return !budget || budget.balance() > 0;
  }

  function refusal(): Failure {
    const waitSeconds = budget?.waitSeconds() ?? 0;
    options.onRefused(waitSeconds);
    return budgetExceeded(budget?.settings.flopsPerSecond, waitSeconds);
  }

  const client: ChangeableClient = {
    name,
    get weight() {
      return weight;
    },
    get budget() {
      return budget;
    },
    hasBudget,
    async refuse() {
      await refusalPace.next(client);
      return refusal();
    },
    checkBudget() {
      if (!hasBudget()) throw refusal();
    },
    charge(expectedFlops) {
      const charged = budget;
      charged?.charge(expectedFlops);
      return (executedFlops) => {
        charged?.charge(executedFlops - expectedFlops);
        options.onExecuted(executedFlops);
      };
    },
    change(next) {
      ({ weight } = next);
      if (budget && next.budget) budget.change(next.budget);
      else budget = next.budget && createBudget(next.budget, now);
    },
  };
  return client;
}

/** @param flopsPerSecond undefined: the budget was taken away while the refusal waited */
function budgetExceeded(flopsPerSecond: number | undefined, waitSeconds: number): Failure {
  const budget =
    flopsPerSecond === undefined ? 'its budget' : `its budget of ${flopsPerSecond} FLOPs a second`;
  return new Failure(
    'budget-exceeded',
    `This client has used up ${budget}. Retry in ${waitSeconds.toFixed(3)} s.`,
    { retryAfterSeconds: retryAfter(waitSeconds) },
  );
}

/** Whole seconds. A balance of exactly 0 needs a moment too. */
export function retryAfter(waitSeconds: number): number {
  return Math.max(1, Math.ceil(waitSeconds));
}
