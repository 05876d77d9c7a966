// Measures every engine that this machine has, in turn, on the same network, with one thread. It runs single images and
// batches, all to the final exit. Figures are medians over the rounds.

import { chooseEngine } from '../../src/engines/choose.js';
import { type EngineName, engineNames } from '../../src/engines/engine-names.js';
import { FULL_PROFILE } from '../../src/format/profiles.js';
import { messageOf, UsageError } from '../../src/foundation/errors.js';
import { median } from '../../src/foundation/quantile.js';
import { networkOf } from '../../src/network/network.js';
import type { ModelPackage } from '../../src/packages/package.js';
import { type RawEngine, type RawMeasurement, startRawEngine } from './raw-engine.js';

export const BATCHES = [1, 8] as const;

export interface EngineFigures {
  readonly engine: EngineName;
  readonly device: string;
  readonly batch: number;
  readonly imagesPerSecond: number;
  /** Time of an engine call for one batch. */
  readonly medianMs: number;
  readonly p99Ms: number;
  /** CPU time per image. */
  readonly cpuMs: number;
}

export interface EngineComparison {
  readonly figures: readonly EngineFigures[];
  readonly missing: readonly { readonly engine: EngineName; readonly reason: string }[];
}

interface Runner {
  readonly name: EngineName;
  readonly engine: RawEngine;
  readonly measurements: Map<number, RawMeasurement[]>;
}

/**
 * An engine that is not installed or cannot run this network is listed as missing.
 * @param onStep called after each measurement, with the total number of measurements
 * @throws the reason, if no engine can run the network
 */
export async function compareEngines(
  model: ModelPackage,
  { seconds, rounds }: { readonly seconds: number; readonly rounds: number },
  onStep: (total: number) => void,
): Promise<EngineComparison> {
  const runners: Runner[] = [];
  const missing: { engine: EngineName; reason: string }[] = [];
  const failures: unknown[] = [];
  try {
    for (const name of engineNames) {
      try {
        const { module, options } = await chooseEngine({ engine: name, device: 'auto', workers: 1 });
        const setup = { engine: { module, options }, network: networkOf(model), profiles: model.profiles };
        const measurements = new Map(BATCHES.map((batch) => [batch, []]));
        runners.push({ name, engine: await startRawEngine(setup, 1), measurements });
      } catch (error) {
        failures.push(error);
        missing.push({ engine: name, reason: reasonOf(name, error) });
      }
    }
    if (runners.length === 0) throw failures.find((one) => !(one instanceof UsageError)) ?? failures[0];
    const total = rounds * runners.length * BATCHES.length;
    for (let round = 0; round < rounds; round++) {
      for (const batch of BATCHES) {
        for (const { engine, measurements } of runners) {
          const measured = await engine.measure({ profile: FULL_PROFILE, batch, seconds }, 1);
          measurements.get(batch)?.push(measured);
          onStep(total);
        }
      }
    }
  } finally {
    await Promise.all(runners.map(({ engine }) => engine.close()));
  }
  return { figures: runners.flatMap(figuresOf), missing };
}

/** @returns one sentence */
function reasonOf(name: EngineName, error: unknown): string {
  if (error instanceof UsageError) return error.message;
  const [reason = ''] = messageOf(error).split('\n', 1);
  return `The engine ${name} cannot run this network: ${reason}${reason.endsWith('.') ? '' : '.'}`;
}

function figuresOf({ name, engine, measurements }: Runner): EngineFigures[] {
  return [...measurements].map(([batch, rounds]) => {
    const of = (value: (one: RawMeasurement) => number): number => median(rounds.map(value));
    return {
      engine: name,
      device: engine.device,
      batch,
      imagesPerSecond: of((one) => one.imagesPerSecond),
      medianMs: of((one) => one.medianSeconds * 1000),
      p99Ms: of((one) => one.p99Seconds * 1000),
      cpuMs: of((one) => one.cpuSecondsPerImage * 1000),
    };
  });
}
