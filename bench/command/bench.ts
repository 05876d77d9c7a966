// Measures one profile of a model: in turn the engine alone and the service over HTTP, so that a machine whose speed
// changes affects both alike. All figures are medians over the rounds.

import { median } from '../../src/foundation/quantile.js';
import type { RawMeasurement } from './raw-engine.js';
import type { HttpRound, Stand } from './stand.js';

export interface RawFigures {
  readonly workers: number;
  readonly batch: number;
  readonly imagesPerSecond: number;
  /** Time of all engine calls for one batch. */
  readonly medianMs: number;
  readonly p99Ms: number;
  /** CPU time per image. */
  readonly cpuMs: number;
}

export interface HttpFigures {
  readonly requestsPerSecond: number;
  /** Divided by the images per second of the fastest raw configuration. */
  readonly shareOfRaw: number;
  /**
   * The engine's CPU time per image, divided by the CPU time of server and client per request. It equals `shareOfRaw`
   * if only CPU time limits both. Other programs on the machine affect it least.
   */
  readonly cpuShareOfRaw: number;
  readonly latencyMedianMs: number;
  readonly latencyP99Ms: number;
  /** Requests that were not answered with 200, over all rounds. */
  readonly failed: number;
  /** CPU time per request, workers included. */
  readonly serverCpuMs: number;
  readonly clientCpuMs: number;
  /** Requests per second of the server's CPU time. */
  readonly requestsPerServerCore: number;
  readonly meanBatch: number;
  /** 99th percentile of the time between two ticks of a 10 ms timer, including those 10 ms. */
  readonly eventLoopP99Ms: number;
  /** Medians of the timings in the answers. `rest` is the total minus the other three. */
  readonly timingMs: { decode: number; queue: number; infer: number; rest: number; total: number };
}

export interface IdleFigures {
  readonly medianMs: number;
  readonly p99Ms: number;
  /** The median minus that of the engine alone with one worker and batch 1. */
  readonly addedMs: number;
}

export interface ProfileFigures {
  readonly profile: string;
  readonly raw: readonly RawFigures[];
  readonly http: HttpFigures;
  readonly idle: IdleFigures;
}

/** @param onStep called after each measurement. A round has `stepsOf(stand)` of them. */
export async function benchProfile(
  stand: Stand,
  profile: string,
  rounds: number,
  onStep: () => void,
): Promise<ProfileFigures> {
  const raw = stand.rawConfigurations.map(() => [] as RawMeasurement[]);
  const http: HttpRound[] = [];
  const idle: { medianSeconds: number; p99Seconds: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const [index, configuration] of stand.rawConfigurations.entries()) {
      raw[index]?.push(await stand.runRaw(profile, configuration));
      onStep();
    }
    http.push(await stand.runHttp(profile));
    onStep();
    idle.push(await stand.runIdle(profile));
    onStep();
  }

  const rawFigures = stand.rawConfigurations.map((configuration, index): RawFigures => {
    const of = medianOver(raw[index] ?? []);
    return {
      ...configuration,
      imagesPerSecond: of((one) => one.imagesPerSecond),
      medianMs: of((one) => one.medianSeconds * 1000),
      p99Ms: of((one) => one.p99Seconds * 1000),
      cpuMs: of((one) => one.cpuSecondsPerImage * 1000),
    };
  });
  const fastest = rawFigures.reduce((best, one) => (one.imagesPerSecond > best.imagesPerSecond ? one : best));
  const alone = rawFigures.find(({ workers, batch }) => workers === 1 && batch === 1);
  const idleMedianMs = medianOver(idle)((one) => one.medianSeconds * 1000);
  return {
    profile,
    raw: rawFigures,
    http: httpFigures(http, fastest),
    idle: {
      medianMs: idleMedianMs,
      p99Ms: medianOver(idle)((one) => one.p99Seconds * 1000),
      addedMs: idleMedianMs - (alone?.medianMs ?? Number.NaN),
    },
  };
}

/** Number of measurements in a round of `benchProfile`. */
export function stepsOf({ rawConfigurations }: Pick<Stand, 'rawConfigurations'>): number {
  return rawConfigurations.length + 2;
}

function httpFigures(rounds: readonly HttpRound[], fastest: RawFigures): HttpFigures {
  const of = medianOver(rounds);
  const requestsPerSecond = of(({ answered, load }) => answered / load.seconds);
  const serverCpuMs = of(({ costs, answered }) => (1000 * costs.cpuSeconds) / answered);
  const clientCpuMs = of(({ load, answered }) => (1000 * load.clientCpuSeconds) / answered);
  const timing = (part: 'decodeMs' | 'queueMs' | 'inferMs' | 'totalMs'): number =>
    of(({ load }) => load.timingMs[part]);
  const [decode, queue, infer, total] = [
    timing('decodeMs'),
    timing('queueMs'),
    timing('inferMs'),
    timing('totalMs'),
  ];
  return {
    requestsPerSecond,
    shareOfRaw: requestsPerSecond / fastest.imagesPerSecond,
    cpuShareOfRaw: fastest.cpuMs / (serverCpuMs + clientCpuMs),
    latencyMedianMs: of(({ load }) => load.latencyMs.median),
    latencyP99Ms: of(({ load }) => load.latencyMs.p99),
    failed: rounds.reduce((sum, { failed }) => sum + failed, 0),
    serverCpuMs,
    clientCpuMs,
    requestsPerServerCore: of(({ costs, answered }) => answered / costs.cpuSeconds),
    meanBatch: of(({ costs }) => costs.meanBatch),
    eventLoopP99Ms: of(({ costs }) => costs.eventLoopP99Seconds * 1000),
    timingMs: { decode, queue, infer, rest: total - decode - queue - infer, total },
  };
}

function medianOver<Round>(rounds: readonly Round[]): (value: (round: Round) => number) => number {
  return (value) => median(rounds.map(value));
}
