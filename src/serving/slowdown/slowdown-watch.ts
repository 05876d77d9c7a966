// Slowdown detection: tests for each client whether its images go deeper than the certificates of the profiles say, raises
// an alarm, and limits the client's compute or serves it after the others from then on if the operator wants that.
// Metrics and log show each alarm.
import type { Logger } from 'pino';
import { costEvidence, observeCost } from '../../calibration/statistics/cost-monitor.js';
import type { SlowdownAction } from '../../config/settings.js';
import type { Step } from '../../network/execution-path.js';
import type { Metrics } from '../../telemetry/metrics.js';
import type { Flow } from '../../workers/fair-sharing/fair-sharing.js';
import { type ClientRecord, createClients } from './clients.js';
import { type CostSubject, type ExpectedCost, expectedCost } from './expected-cost.js';

/** Number of clients with an alarm that are listed at most. */
const ALARMED = 1000;
/** Number of clients without an alarm that are listed. */
const SUSPECTS = 20;

/** A client's evidence, for operators. */
export interface WatchedClient {
  readonly client: string;
  /** Number of images that were tested. */
  readonly images: number;
  /** Mean FLOPs executed for them. */
  readonly meanFlops: number;
  /** Mean of what the certificates say for them. */
  readonly certifiedFlops: number;
  /** What a bet of 1 against the certificates has become; the alarm is at 1/α. */
  readonly evidence: number;
  readonly alarmedAt: Date | undefined;
}

/** An image that is being classified. Call exactly one of the two methods. */
export interface WatchedImage {
  /** @param step at which the image left */
  answered(step: Pick<Step, 'exit' | 'flops'>): void;
  notAnswered(): void;
}

/** The client of a request. */
export interface Caller {
  /** The most FLOPs that an image of this client may take; undefined: the server sets no limit. */
  flopsLimit(model: LimitedModel, profile: CostSubject): number | undefined;
  /** The client's images in the slow lane; undefined: it is served like the others. */
  slowLane(): Flow | undefined;
  /** Call before an image runs, in the order of the images. @returns undefined if the image is not tested */
  begin(profile: CostSubject): WatchedImage | undefined;
}

/** The parts of a served model (catalog.ts) that a limit needs. */
export interface LimitedModel {
  readonly defaultProfile: string;
  readonly profiles: ReadonlyMap<string, CostSubject>;
}

const consequences: Readonly<Record<SlowdownAction, string>> = {
  off: 'it is served as before',
  report: 'it is served as before',
  cap: 'its compute is limited from now on',
  'slow-lane': 'it is served after the others from now on',
};

export interface SlowdownWatch {
  readonly action: SlowdownAction;
  readonly alpha: number;
  readonly tolerance: number;
  callerOf(client: string): Caller;
  /** Number of clients with an alarm. */
  alarmed(): number;
  /** Clients with an alarm, the latest first, then those with the most evidence. */
  list(): WatchedClient[];
  /** Forgets what is known of a client, its alarm included. @returns what was known; undefined: nothing was */
  reset(client: string): WatchedClient | undefined;
}

export interface SlowdownWatchOptions {
  readonly action: SlowdownAction;
  /** Probability that an honest client ever raises an alarm. */
  readonly alpha: number;
  /** See `reachOdds`. */
  readonly tolerance: number;
  /** Most clients of each kind, with an alarm and without, that are kept in memory. */
  readonly maxClients: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly metrics: Pick<Metrics, 'slowdownAlarms' | 'slowdownForgotten' | 'observe'>;
  readonly logger: Logger;
}

interface Ticket {
  readonly client: string;
  readonly cost: ExpectedCost;
  /** Where the image left; undefined: it runs; null: there was no answer. */
  left: Pick<Step, 'exit' | 'flops'> | null | undefined;
}

export function createSlowdownWatch(options: SlowdownWatchOptions): SlowdownWatch {
  const { action, alpha, tolerance, now, metrics, logger } = options;
  const clients = createClients(options.maxClients, () => metrics.slowdownForgotten.inc());
  const costs = new WeakMap<CostSubject, ExpectedCost | { readonly odds?: undefined }>();
  /** Images in progress, in the order in which they began: one that leaves early must not overtake another. */
  const tickets: Ticket[] = [];

  function costOf(profile: CostSubject): ExpectedCost | undefined {
    const cost = costs.get(profile) ?? expectedCost(profile, tolerance) ?? {};
    costs.set(profile, cost);
    return cost.odds ? cost : undefined;
  }

  function observeInOrder(): void {
    for (let [first] = tickets; first?.left !== undefined; [first] = tickets) {
      tickets.shift();
      if (first.left) observe(first.client, first.cost, first.left);
    }
  }

  function observe(client: string, cost: ExpectedCost, { exit, flops }: Pick<Step, 'exit' | 'flops'>): void {
    const record = clients.recordOf(client);
    if (record.alarmedAt > 0) return;
    observeCost(record.evidence, cost.odds[exit] ?? 0);
    record.flops += flops;
    record.expectedFlops += cost.meanFlops;
    if (costEvidence(record.evidence) < 1 / alpha) return;
    clients.raise(client, record, now());
    metrics.slowdownAlarms.inc();
    logger.warn(
      { ...describe(client, record), alpha, tolerance },
      `slowdown alarm: the images of this client go deeper than was certified; ${consequences[action]}`,
    );
  }

  function callerOf(client: string): Caller {
    return {
      flopsLimit(model, profile) {
        if (action !== 'cap' || !clients.isAlarmed(client)) return undefined;
        const byDefault = model.profiles.get(model.defaultProfile);
        return (costOf(profile) ?? (byDefault && costOf(byDefault)))?.limitFlops;
      },
      slowLane: () => (action === 'slow-lane' ? clients.slowFlowOf(client) : undefined),
      begin(profile) {
        const cost = costOf(profile);
        if (!cost || clients.isAlarmed(client)) return undefined;
        const ticket: Ticket = { client, cost, left: undefined };
        tickets.push(ticket);
        const settle = (left: Ticket['left']): void => {
          ticket.left = left;
          observeInOrder();
        };
        return { answered: settle, notAnswered: () => settle(null) };
      },
    };
  }

  metrics.observe({
    slowdownClients: () => clients.sizes().watched,
    slowdownAlarmed: () => clients.sizes().alarmed,
    slowdownEvidence: () => clients.suspects(1).map(([, { evidence }]) => costEvidence(evidence))[0] ?? 1,
  });
  return {
    action,
    alpha,
    tolerance,
    callerOf,
    alarmed: () => clients.sizes().alarmed,
    list: () =>
      [...clients.alarmed(ALARMED), ...clients.suspects(SUSPECTS)].map(([client, record]) =>
        describe(client, record),
      ),
    reset(client) {
      const record = clients.forget(client);
      return record && describe(client, record);
    },
  };
}

function describe(
  client: string,
  { evidence, flops, expectedFlops, alarmedAt }: ClientRecord,
): WatchedClient {
  const { images } = evidence;
  return {
    client,
    images,
    meanFlops: Math.round(flops / Math.max(1, images)),
    certifiedFlops: Math.round(expectedFlops / Math.max(1, images)),
    evidence: costEvidence(evidence),
    alarmedAt: alarmedAt > 0 ? new Date(alarmedAt) : undefined,
  };
}
