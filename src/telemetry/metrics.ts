// All metrics of the service; those of each concern stand in metrics/. They use base units. Labels have bounded sets of
// values: never ids or free numbers.
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import { failures } from '../foundation/errors.js';
import { answerMetrics } from './metrics/answers.js';
import { auditMetrics } from './metrics/audits.js';
import { clientMetrics } from './metrics/clients.js';
import { createFlopsHistogram } from './metrics/flops-histogram.js';
import { forgetVersion } from './metrics/forget-version.js';
import { ladderMetrics } from './metrics/ladders.js';
import { slowdownMetrics } from './metrics/slowdown.js';
import { stateMetrics } from './metrics/state.js';
import { timeMetrics } from './metrics/times.js';

/** Values that are read when the metrics are scraped. */
export interface Gauges {
  queueDepth(): number;
  slowLaneDepth(): number;
  expectedWaitSeconds(): number;
  inFlight(): number;
  readonly maxInFlight: number;
  readonly workers: number;
  slowdownClients(): number;
  slowdownAlarmed(): number;
  slowdownEvidence(): number;
  inFlightBytes(): number;
  readonly maxBytesInFlight: number;
}

/** @param flopsBuckets bounds of the FLOPs per image: the possible costs of each exit of each model */
export function createMetrics(flopsBuckets: readonly number[]) {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const gauges: Partial<Gauges> = {};

  const requestFlops = createFlopsHistogram(registry, flopsBuckets);
  const metrics = {
    ...answerMetrics(registers),
    ...timeMetrics(registers),
    ...stateMetrics(registers),
    ...auditMetrics(registers),
    ...ladderMetrics(registers),
    ...clientMetrics(registers),
    ...slowdownMetrics(registers),
  };

  // Server failures start at 0. Otherwise a series would begin at 1, and an alert would not see an increase.
  for (const [reason, { status }] of Object.entries(failures)) {
    if (status >= 500) metrics.rejections.inc({ reason }, 0);
  }

  const gauge = (name: string, help: string, read: (source: Partial<Gauges>) => number | undefined): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read(gauges) ?? 0);
      },
    });
  };
  gauge('rdi_queue_depth', 'Images that wait for a worker.', ({ queueDepth }) => queueDepth?.());
  gauge(
    'rdi_slow_lane_depth',
    'Those of them that are in the slow lane: of clients with a slowdown alarm.',
    ({ slowLaneDepth }) => slowLaneDepth?.(),
  );
  gauge(
    'rdi_expected_wait_seconds',
    'Engine time of the images that wait for a worker and are not in the slow lane, divided by the number of workers.',
    ({ expectedWaitSeconds }) => expectedWaitSeconds?.(),
  );
  gauge('rdi_in_flight', 'Images admitted and not yet answered.', ({ inFlight }) => inFlight?.());
  gauge('rdi_in_flight_limit', 'Most images that may be in flight.', ({ maxInFlight }) => maxInFlight);
  gauge(
    'rdi_workers',
    'Inference threads; 1 for TensorFlow, which has its own threads.',
    ({ workers }) => workers,
  );
  gauge(
    'rdi_slowdown_clients',
    'Clients that are tested for images that go deeper than was certified, without an alarm.',
    ({ slowdownClients }) => slowdownClients?.(),
  );
  gauge('rdi_slowdown_alarmed_clients', 'Clients with a slowdown alarm.', ({ slowdownAlarmed }) =>
    slowdownAlarmed?.(),
  );
  gauge(
    'rdi_slowdown_evidence_max',
    'Most evidence against any client without an alarm: the value of a bet of 1 against the certificates.',
    ({ slowdownEvidence }) => slowdownEvidence?.(),
  );
  const log = { droppedLines: () => 0 };
  new Counter({
    name: 'rdi_log_lines_dropped_total',
    help: 'Log lines dropped, because standard output takes none: its disk is full or its reader stalls.',
    registers,
    collect() {
      this.reset();
      this.inc(log.droppedLines());
    },
  });

  gauge(
    'rdi_in_flight_bytes',
    'Announced bytes of request bodies that are admitted and not yet answered.',
    ({ inFlightBytes }) => inFlightBytes?.(),
  );
  gauge(
    'rdi_in_flight_bytes_limit',
    'Most bytes of request bodies that may be in flight.',
    ({ maxBytesInFlight }) => maxBytesInFlight,
  );

  return {
    ...metrics,
    registry,
    requestFlops: { observe: requestFlops.observe },
    /** Fits the buckets of the FLOPs to other costs; see `createMetrics`. If there are new ones, counts begin anew. */
    fitFlops: requestFlops.fit,
    /** Removes all series of a version that is no longer served. */
    forgetVersion: (model: string, version: string) => forgetVersion(registry, model, version),
    /** Sets the source of the number of dropped log lines. */
    observeLog(droppedLines: () => number): void {
      log.droppedLines = droppedLines;
    },
    /** Sets the source of some of the gauges. */
    observe(source: Partial<Gauges>): void {
      Object.assign(gauges, source);
    },
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
