// Which engine computes: the one that is demanded, or the best that can be used here. TensorFlow is worth it on a
// GPU; on a CPU onnxruntime is faster; WebAssembly runs where neither does.
import { messageOf, UsageError } from '../foundation/errors.js';
import { type EngineDemand, type EngineName, engineNames } from './demand.js';
import type { EngineOptions } from './engine.js';
import { probeTensorFlow, type TensorFlowFinding } from './tensorflow/probe.js';

export const passedOverCodes = [
  'not-installed',
  'cannot-load',
  'no-gpu',
  'not-needed',
  'not-demanded',
] as const;

/** An engine that was not taken. */
export interface PassedOver {
  readonly engine: EngineName;
  readonly code: (typeof passedOverCodes)[number];
  /** A sentence. */
  readonly reason: string;
}

/** What a worker may have in hand at once, so that its next engine call never waits for the main thread. */
export interface BufferOptions {
  /** Full batches whose images it may be. */
  readonly concurrentBatches: number;
  /** Whether a worker that is busy takes whatever waits, to merge it with what it has; if not, only full batches. */
  readonly eager: boolean;
}

export interface EngineChoice {
  /** URL of its module. */
  readonly module: string;
  readonly options: EngineOptions;
  /** Worker threads that run it. */
  readonly workers: number;
  readonly buffer: BufferOptions;
  readonly passedOver: readonly PassedOver[];
}

/** How this machine is looked at. */
export interface Surroundings {
  tensorflow(device: EngineOptions['device']): Promise<TensorFlowFinding>;
  /** @throws Error if it cannot be loaded */
  onnx(): Promise<unknown>;
}

const thisMachine: Surroundings = { tensorflow: probeTensorFlow, onnx: () => import('./onnx.js') };

const INSTALL = 'npm run install:tensorflow does it';

/** @throws UsageError if what is demanded cannot be had */
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
 * TensorFlow has threads of its own and runs in one worker, where larger batches cost less an image: enough that their
 * survivors fill a batch again; what waits beyond waits in the queue, where it can be let go.
 */
const TENSORFLOW_BUFFER: BufferOptions = { concurrentBatches: 4, eager: true };

/**
 * Of the others each worker is one thread, to which larger batches give little: one batch that it computes, and under load
 * the next. Fewer than fill a batch are kept back for the worker that is free first.
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
