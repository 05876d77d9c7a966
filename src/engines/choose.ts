// Chooses the engine: the demanded one, or the best that can be used on this machine. TensorFlow is preferred with a
// GPU; onnxruntime is faster on a CPU; WebAssembly runs where neither of them can be used.
import { messageOf, UsageError } from '../foundation/errors.js';
import type { EngineOptions } from './engine.js';
import { type EngineDemand, type EngineName, engineNames } from './engine-names.js';
import { probeTensorFlow, type TensorFlowFinding } from './tensorflow/probe.js';

export const passedOverCodes = [
  'not-installed',
  'cannot-load',
  'no-gpu',
  'not-needed',
  'not-demanded',
] as const;

/** An engine that was not chosen. */
export interface PassedOver {
  readonly engine: EngineName;
  readonly code: (typeof passedOverCodes)[number];
  /** The reason as a sentence. */
  readonly reason: string;
}

/** How many batches a worker may hold at once, so that its next engine call never waits for the main thread. */
export interface BufferOptions {
  /** Capacity of the buffer, in full batches. */
  readonly concurrentBatches: number;
  /** true: a busy worker takes any waiting batch, to merge it with its others. false: it takes only full batches. */
  readonly eager: boolean;
}

export interface EngineChoice {
  /** URL of the engine's module. */
  readonly module: string;
  readonly options: EngineOptions;
  /** Number of worker threads that run the engine. */
  readonly workers: number;
  readonly buffer: BufferOptions;
  readonly passedOver: readonly PassedOver[];
}

/** The checks of this machine; tests replace them. */
export interface Surroundings {
  tensorflow(device: EngineOptions['device']): Promise<TensorFlowFinding>;
  /** @throws Error if onnxruntime cannot be loaded */
  onnx(): Promise<unknown>;
}

const thisMachine: Surroundings = { tensorflow: probeTensorFlow, onnx: () => import('./onnx.js') };

const INSTALL = 'npm run install:tensorflow does it';

/** @throws UsageError if the demand cannot be met */
export async function chooseEngine(
  demand: EngineDemand,
  surroundings: Surroundings = thisMachine,
): Promise<EngineChoice> {
  const { engine, device } = demand;
  if (device === 'gpu' && engine !== 'auto' && engine !== 'tensorflow') {
    throw new UsageError(`The engine ${engine} computes on the CPU only; a GPU needs --engine tensorflow.`);
  }
  if (engine === 'auto') return chooseBest(demand, surroundings);
  if (engine === 'tensorflow') {
    const finding = await surroundings.tensorflow(device);
    const missing = whatIsMissing(finding, device === 'gpu');
    if (missing) throw new UsageError(`The engine tensorflow is demanded: ${missing.reason}`);
  }
  const others = engineNames.filter((name) => name !== engine);
  const reason = `The engine ${engine} is demanded.`;
  return take(
    engine,
    demand,
    others.map((name) => ({ engine: name, code: 'not-demanded', reason })),
  );
}

async function chooseBest(demand: EngineDemand, surroundings: Surroundings): Promise<EngineChoice> {
  const passedOver: PassedOver[] = [];
  if (demand.device === 'cpu') {
    passedOver.push({
      engine: 'tensorflow',
      code: 'not-needed',
      reason: 'The CPU is demanded, where onnx is preferred.',
    });
  } else {
    const missing = whatIsMissing(await surroundings.tensorflow(demand.device), true);
    if (!missing) return take('tensorflow', demand, notNeeded('tensorflow', 'onnx', 'wasm'));
    if (demand.device === 'gpu') throw new UsageError(`A GPU is demanded: ${missing.reason}`);
    passedOver.push({ engine: 'tensorflow', ...missing });
  }
  try {
    await surroundings.onnx();
  } catch (error) {
    const [reason = ''] = messageOf(error).split('\n', 1);
    passedOver.push({ engine: 'onnx', code: 'cannot-load', reason: `It cannot be loaded: ${reason}.` });
    return take('wasm', demand, passedOver);
  }
  return take('onnx', demand, [...passedOver, ...notNeeded('onnx', 'wasm')]);
}

function notNeeded(taken: EngineName, ...others: EngineName[]): PassedOver[] {
  return others.map((engine) => ({
    engine,
    code: 'not-needed',
    reason: `The engine ${taken} is preferred.`,
  }));
}

function whatIsMissing(
  finding: TensorFlowFinding,
  needsGpu: boolean,
): Pick<PassedOver, 'code' | 'reason'> | undefined {
  switch (finding.state) {
    case 'not-installed':
      return { code: finding.state, reason: `TensorFlow is not installed; ${INSTALL}.` };
    case 'cannot-load':
      return { code: finding.state, reason: `TensorFlow cannot be loaded: ${finding.reason}.` };
    case 'usable':
      return needsGpu && !finding.gpu
        ? { code: 'no-gpu', reason: 'TensorFlow finds no GPU that it can use.' }
        : undefined;
  }
}

/**
 * TensorFlow has its own threads and runs in one worker. Larger batches cost less per image, so the buffer holds enough
 * that images which have not left fill a batch again. Other images wait in the queue, where they can still be dropped.
 */
const TENSORFLOW_BUFFER: BufferOptions = { concurrentBatches: 4, eager: true };

/**
 * With the other engines each worker is one thread and gains little from larger batches. It holds the batch that it
 * computes and, under load, the next one. Images that do not fill a batch wait for the first idle worker.
 */
export const ONE_THREAD_BUFFER: BufferOptions = { concurrentBatches: 2, eager: false };

function take(
  engine: EngineName,
  { device, workers }: EngineDemand,
  passedOver: readonly PassedOver[],
): EngineChoice {
  const single = engine === 'tensorflow';
  return {
    module: engineModule(engine),
    options: { device, threads: single ? workers : 1 },
    workers: single ? 1 : workers,
    buffer: single ? TENSORFLOW_BUFFER : ONE_THREAD_BUFFER,
    passedOver,
  };
}

/** URL of the module of an engine. */
export function engineModule(engine: EngineName): string {
  const file = engine === 'tensorflow' ? './tensorflow/engine.js' : `./${engine}.js`;
  return new URL(file, import.meta.url).href;
}
