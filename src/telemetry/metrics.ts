// All metrics of the service. They use base units. Labels have bounded sets of values: never ids or free numbers.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { failures } from '../foundation/errors.js';

const DECODE_SECONDS = [50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.25, 1];
/** Buckets, in seconds, of every duration histogram except decoding. */
export const DURATION_BUCKETS = [
  100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];
const SCORES = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];
const CONFIDENCES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999, 1];
const BATCH_SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256];

const P_VALUES = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1];

/** Values that are read when the metrics are scraped. */
export interface Gauges {
  queueDepth(): number;
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

/** A client as far as the metrics show its state. */
export interface ObservedClient {
  readonly name: string;
  readonly budget: { readonly settings: { readonly flopsPerSecond: number }; balance(): number } | undefined;
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
    'rdi_expected_wait_seconds',
    'Engine time of the images that wait for a worker, divided by the number of workers.',
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

/** Metrics of answers and refusals: exits taken, scores, confidences and costs. */
function answerMetrics(registers: Registry[]) {
  return {
    predictions: new Counter({
      name: 'rdi_predictions_total',
      help: 'Images answered, by the exit taken (index from 0) and the reason for leaving there.',
      labelNames: ['model', 'version', 'profile', 'exit', 'reason'],
      registers,
    }),
    flops: new Counter({
      name: 'rdi_flops_total',
      help: 'FLOPs executed for answered images, including heads.',
      labelNames: ['model', 'version'],
      registers,
    }),
    flopsFull: new Counter({
      name: 'rdi_flops_full_total',
      help: 'FLOPs that the backbone with only its final exit would have executed for the same images.',
      labelNames: ['model', 'version'],
      registers,
    }),
    atypical: new Counter({
      name: 'rdi_atypical_total',
      help: 'Answers to images that look unlike the calibration images. Of images like these, about 1 % are counted.',
      labelNames: ['model', 'version'],
      registers,
    }),
    typicality: new Histogram({
      name: 'rdi_typicality',
      help: 'P-value of the image among the calibration images: uniform for images like these, low for others.',
      labelNames: ['model', 'version'],
      buckets: P_VALUES,
      registers,
    }),
    exitScore: new Histogram({
      name: 'rdi_exit_score',
      help: 'Score at the exit taken, as the profile’s policy defines it (entropy: lower is more confident).',
      labelNames: ['model', 'version', 'exit'],
      buckets: SCORES,
      registers,
    }),
    confidence: new Histogram({
      name: 'rdi_confidence',
      help: 'Probability of the answered label, by the exit taken.',
      labelNames: ['model', 'version', 'exit'],
      buckets: CONFIDENCES,
      registers,
    }),
    rejections: new Counter({
      name: 'rdi_rejections_total',
      help: 'Images and requests answered with a problem, by its type.',
      labelNames: ['reason'],
      registers,
    }),
  };
}

/** Durations, and batch sizes of engine calls. */
function timeMetrics(registers: Registry[]) {
  return {
    requestSeconds: new Histogram({
      name: 'rdi_request_duration_seconds',
      help: 'Time of one image from admission to answer.',
      labelNames: ['model', 'version'],
      buckets: DURATION_BUCKETS,
      registers,
    }),
    decodeSeconds: new Histogram({
      name: 'rdi_decode_duration_seconds',
      help: 'Time to decode and resample one image.',
      labelNames: ['model', 'version'],
      buckets: DECODE_SECONDS,
      registers,
    }),
    queueSeconds: new Histogram({
      name: 'rdi_queue_wait_seconds',
      help: 'Time from the end of decoding until a worker starts on the image.',
      labelNames: ['model', 'version'],
      buckets: DURATION_BUCKETS,
      registers,
    }),
    stageSeconds: new Histogram({
      name: 'rdi_stage_duration_seconds',
      help: 'Time of one engine call on a batch, for the segment that ends at exit `stage`.',
      labelNames: ['model', 'version', 'stage'],
      buckets: DURATION_BUCKETS,
      registers,
    }),
    batchSize: new Histogram({
      name: 'rdi_batch_size',
      help: 'Images in one engine call, by the exit at which the segment ends.',
      labelNames: ['model', 'version', 'stage'],
      buckets: BATCH_SIZES,
      registers,
    }),
    httpSeconds: new Histogram({
      name: 'http_request_duration_seconds',
      help: 'Time from the request’s headers to the end of the response.',
      labelNames: ['method', 'route', 'status'],
      buckets: DURATION_BUCKETS,
      registers,
    }),
    grpcSeconds: new Histogram({
      name: 'grpc_server_handling_seconds',
      help: 'Time from the call’s headers to the end of its status.',
      labelNames: ['grpc_service', 'grpc_method', 'grpc_code'],
      buckets: DURATION_BUCKETS,
      registers,
    }),
  };
}

/** The state of the service: load, workers, models, engines and certificates. */
function stateMetrics(registers: Registry[]) {
  return {
    workerRestarts: new Counter({
      name: 'rdi_worker_restarts_total',
      help: 'Inference workers that died and were replaced.',
      registers,
    }),
    modelInfo: new Gauge({
      name: 'rdi_model_info',
      help: '1 for every model found; status is served or refused.',
      labelNames: ['model', 'version', 'engine', 'device', 'status'],
      registers,
    }),
    engineInfo: new Gauge({
      name: 'rdi_engine_info',
      help: '1 for every engine; status is in-use, or why it was passed over.',
      labelNames: ['engine', 'device', 'status'],
      registers,
    }),
    certificateInfo: new Gauge({
      name: 'rdi_certificate_info',
      help: '1 for every profile but full; status is valid, invalid (made for other files) or none.',
      labelNames: ['model', 'version', 'profile', 'status'],
      registers,
    }),
    exitShareExpected: new Gauge({
      name: 'rdi_exit_share_expected',
      help: 'Share of images that left at this exit when the profile was certified.',
      labelNames: ['model', 'version', 'profile', 'exit'],
      registers,
    }),
    modelDefaultInfo: new Gauge({
      name: 'rdi_model_default_info',
      help: '1 for the version of each model that requests get which name none; pinned: whether a file says so.',
      labelNames: ['model', 'version', 'pinned'],
      registers,
    }),
    modelReloads: new Counter({
      name: 'rdi_model_reloads_total',
      help: 'Changes of packages found while serving; result is added, replaced, removed or refused.',
      labelNames: ['model', 'result'],
      registers,
    }),
    calibrationReloads: new Counter({
      name: 'rdi_calibration_reloads_total',
      help: 'Changed profiles found while serving; result is swapped, or refused (the old profiles stay).',
      labelNames: ['model', 'version', 'result'],
      registers,
    }),
    calibrationRefused: new Gauge({
      name: 'rdi_calibration_refused',
      help: '1 while the package’s profiles cannot be served and the server uses older ones.',
      labelNames: ['model', 'version'],
      registers,
    }),
  };
}

/** Metrics of the ladders on which requests are degraded under load. */
function ladderMetrics(registers: Registry[]) {
  return {
    ladderRung: new Gauge({
      name: 'rdi_ladder_rung',
      help: 'Rung of the ladder that requests without a profile get, from 0: the default profile.',
      labelNames: ['model', 'version'],
      registers,
    }),
    ladderMoves: new Counter({
      name: 'rdi_ladder_moves_total',
      help: 'Moves on the ladder; direction is degrade (to a cheaper profile) or restore.',
      labelNames: ['model', 'version', 'direction'],
      registers,
    }),
    ladderRefused: new Gauge({
      name: 'rdi_ladder_refused',
      help: '1 while the model is served without the ladder because its profiles do not fit.',
      labelNames: ['model', 'version'],
      registers,
    }),
    ladderTarget: new Gauge({
      name: 'rdi_ladder_target_seconds',
      help: 'Expected wait above which requests are degraded; 0 without a ladder.',
      registers,
    }),
    degraded: new Counter({
      name: 'rdi_degraded_total',
      help: 'Images answered under a cheaper profile of the ladder than the default one.',
      labelNames: ['model', 'version', 'profile'],
      registers,
    }),
  };
}

/** Metrics of the test for clients whose images go deeper than was certified. */
function slowdownMetrics(registers: Registry[]) {
  return {
    slowdownAlarms: new Counter({
      name: 'rdi_slowdown_alarms_total',
      help: 'Clients whose images were found to go deeper than was certified.',
      registers,
    }),
    slowdownCapped: new Counter({
      name: 'rdi_slowdown_capped_total',
      help: 'Images answered under the limit for clients with a slowdown alarm.',
      labelNames: ['model', 'version'],
      registers,
    }),
    slowdownForgotten: new Counter({
      name: 'rdi_slowdown_forgotten_total',
      help: 'Clients forgotten because more clients than are remembered sent images.',
      registers,
    }),
  };
}

/** Metrics of the live audit of certificates. */
function auditMetrics(registers: Registry[]) {
  return {
    auditResults: new Counter({
      name: 'rdi_audit_samples_total',
      help: 'Answers sampled by the audit; result is agreed or differed (compared with the full network), failed or dropped.',
      labelNames: ['model', 'version', 'profile', 'result'],
      registers,
    }),
    auditEvidence: new Gauge({
      name: 'rdi_audit_evidence',
      help: 'Current value of a bet of 1 against the certificate; at 1/α the audit raises its alarm.',
      labelNames: ['model', 'version', 'profile'],
      registers,
    }),
    auditAlarm: new Gauge({
      name: 'rdi_audit_alarm',
      help: '1 after the audit’s alarm: the server uses full instead of this profile until an operator acts.',
      labelNames: ['model', 'version', 'profile'],
      registers,
    }),
    auditSeconds: new Counter({
      name: 'rdi_audit_engine_seconds_total',
      help: 'Engine time of audits.',
      labelNames: ['model', 'version'],
      registers,
    }),
  };
}

/** The histogram of FLOPs per image. Its buckets can change: prom-client fixes those of a histogram when it is made. */
function createFlopsHistogram(registry: Registry, buckets: readonly number[]) {
  let bounds = new Set<number>();
  let histogram: Histogram<'model' | 'version'> | undefined;

  function fit(wanted: readonly number[]): void {
    if (histogram && wanted.every((bound) => bounds.has(bound))) return;
    bounds = new Set(wanted);
    registry.removeSingleMetric('rdi_request_flops');
    histogram = new Histogram({
      name: 'rdi_request_flops',
      help: 'FLOPs (2 × multiply-accumulates) executed for one image, including heads.',
      labelNames: ['model', 'version'],
      buckets: [...bounds].sort((a, b) => a - b),
      registers: [registry],
    });
  }

  fit(buckets);
  return {
    fit,
    observe: (labels: { model: string; version: string }, flops: number) => histogram?.observe(labels, flops),
  };
}

/** Metrics of the clients in the keys file, whose names bound the label. */
function clientMetrics(registers: Registry[]) {
  let read: () => readonly ObservedClient[] = () => [];
  const clientFlops = new Counter({
    name: 'rdi_client_flops_total',
    help: 'FLOPs executed for the images of a client, answered or not.',
    labelNames: ['client'],
    registers,
  });
  const clientRefusals = new Counter({
    name: 'rdi_client_refusals_total',
    help: 'Requests refused because the client had used up its budget.',
    labelNames: ['client'],
    registers,
  });
  const budgetGauge = (name: string, help: string, value: (budget: Budget) => number): unknown =>
    new Gauge({
      name,
      help,
      labelNames: ['client'],
      registers,
      collect() {
        this.reset();
        for (const { name: client, budget } of read()) if (budget) this.set({ client }, value(budget));
      },
    });
  budgetGauge(
    'rdi_client_budget_flops_per_second',
    'Budget of a client in the long run; no series without one.',
    ({ settings }) => settings.flopsPerSecond,
  );
  budgetGauge(
    'rdi_client_budget_balance_flops',
    'FLOPs left of the budget of a client; negative: a debt.',
    (budget) => budget.balance(),
  );
  return {
    clientFlops,
    clientRefusals,
    keysRefused: new Gauge({
      name: 'rdi_api_keys_refused',
      help: '1 while the keys file cannot be used and the server uses earlier keys.',
      registers,
    }),
    /** Sets the source of the clients’ budgets. */
    observeClients(clients: () => readonly ObservedClient[]): void {
      read = clients;
    },
    /** Removes all series of a client that has no key any more. */
    forgetClient(client: string): void {
      clientFlops.remove({ client });
      clientRefusals.remove({ client });
    },
  };
}

type Budget = NonNullable<ObservedClient['budget']>;

async function forgetVersion(registry: Registry, model: string, version: string): Promise<void> {
  for (const metric of registry.getMetricsAsArray() as unknown as (Counter | Gauge | Histogram)[]) {
    const { values } = await metric.get();
    for (const { labels } of values) {
      if (labels['model'] !== model || labels['version'] !== version) continue;
      const { le: _, ...own } = labels as Record<string, string>;
      metric.remove(own);
    }
  }
}
