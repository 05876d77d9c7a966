// Measures the engine alone in a given number of threads, without HTTP, decoder or queue.
import { once } from 'node:events';
import process from 'node:process';
import { SHARE_ENV, Worker } from 'node:worker_threads';
import type { EngineInfo } from '../../src/workers/protocol.js';
import type { RawCommand, RawReport, RawSetup } from './raw-worker.js';

export interface RawMeasurement extends RawReport {
  /** CPU time of all threads per image. */
  readonly cpuSecondsPerImage: number;
}

export interface RawEngine {
  readonly device: string;
  /** Runs in the first `workers` threads at once. Throughput is the sum over them; times are of the first thread. */
  measure(command: RawCommand, workers: number): Promise<RawMeasurement>;
  close(): Promise<void>;
}

/** Starts `size` threads with the network loaded. @throws the engine's error if it cannot load the network */
export async function startRawEngine(setup: RawSetup, size: number): Promise<RawEngine> {
  const workers = await Promise.all(
    Array.from({ length: size }, async () => {
      const worker = new Worker(new URL('./raw-worker.js', import.meta.url), {
        workerData: setup,
        env: SHARE_ENV,
      });
      const [{ device }] = (await once(worker, 'message')) as [EngineInfo];
      return { worker, device };
    }),
  );
  return {
    device: workers[0]?.device ?? '',

    async measure(command, count) {
      const before = process.cpuUsage();
      const reports = await Promise.all(
        workers.slice(0, count).map(async ({ worker }) => {
          worker.postMessage(command);
          const [report] = (await once(worker, 'message')) as [RawReport];
          return report;
        }),
      );
      const [first] = reports as [RawReport];
      // This process does nothing else during the measurement.
      const { user, system } = process.cpuUsage(before);
      const images = reports.reduce((sum, one) => sum + one.images, 0);
      return {
        ...first,
        images,
        imagesPerSecond: reports.reduce((sum, one) => sum + one.imagesPerSecond, 0),
        cpuSecondsPerImage: (user + system) / 1e6 / images,
      };
    },
    async close() {
      await Promise.all(
        workers.map(async ({ worker }) => {
          worker.postMessage('close');
          await once(worker, 'exit');
        }),
      );
    },
  };
}
