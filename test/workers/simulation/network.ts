// A network without weights: an image is a number, and an exit's output is a function of the image and the exit.
import type { ExitReason } from '../../../src/cascade/cascade.js';
import type { Engine, Segment, SegmentSource } from '../../../src/engines/engine.js';
import type { Manifest } from '../../../src/format/manifest.js';
import { invariant, PackageError } from '../../../src/foundation/errors.js';
import {
  buildPath,
  type ExecutionPath,
  lastStep,
  pathsOf,
  segmentsOf,
} from '../../../src/network/execution-path.js';
import type { Network } from '../../../src/network/network.js';
import { policies } from '../../../src/policies/policies.js';
import { clears } from '../../../src/policies/policy.js';
import { argmax, softmax } from '../../../src/policies/probabilities.js';

const EXITS = 3;
const CLASSES = 3;
const VALUES = 2;
/** The golden image: all values 255. */
const GOLDEN_ID = 256 ** VALUES - 1;

/** uint8 [1, 2, 1] */
export function pixelsOf(id: number): Uint8Array {
  return Uint8Array.of(id >> 8, id & 255);
}

export function idOf(pixels: ArrayLike<number>): number {
  return Math.round(pixels[0] as number) * 256 + Math.round(pixels[1] as number);
}

function logitsOf(id: number, exit: number, release: number): Float32Array {
  const hash = Math.imul((id + 1) * 31 + exit + release * 1009, 0x9e3779b1) >>> 0;
  const logits = new Float32Array(CLASSES);
  logits[hash % CLASSES] = (hash >>> 8) % 5;
  return logits;
}

const exits = Array.from({ length: EXITS }, (_, exit) => {
  return { name: `exit-${exit}`, flops: { stage: 10, head: 1, cumulative: 11 * (exit + 1) } };
});
const manifest = {
  name: 'simulated',
  version: '1',
  classes: ['a', 'b', 'c'],
  exits,
  input: { height: 1, width: 2, channels: 1, mean: [0], std: [1] },
} as unknown as Manifest;

/** The first two profiles are served from the start; the others are loaded later. */
const profiles = [
  [0.9, 0.9],
  [null, null],
  [null, 0.7],
  [0.6, null],
];

/** One release of the network. Each gives other answers, and has paths of its own. */
export interface Release {
  readonly number: number;
  readonly network: Network;
  readonly pathsByProfile: readonly (readonly [ExecutionPath, ...ExecutionPath[]])[];
  /** The path to the final exit with all side exits off. */
  readonly fullPath: ExecutionPath;
}

export function releaseOf(number: number): Release {
  return {
    number,
    network: simulatedNetwork(number, [0, 1]),
    pathsByProfile: profiles.map(
      (thresholds) => pathsOf(manifest.exits, { thresholds }) as [ExecutionPath, ...ExecutionPath[]],
    ),
    fullPath: buildPath(manifest.exits, { thresholds: [null, null] }),
  };
}

/** The segments that a worker needs for a profile. Their input is the number of the release. */
function sourcesOf(release: number, profile: number): SegmentSource[] {
  const thresholds = profiles[profile] ?? [];
  return segmentsOf(manifest.exits, { thresholds }).map(({ from, to }) => {
    return { from, to, input: `${release}`, inputShape: [VALUES], logits: '', graph: new Uint8Array() };
  });
}

/** @param served the profiles whose segments it has */
export function simulatedNetwork(release: number, served: readonly number[]): Network {
  const sources = served.flatMap((profile) => sourcesOf(release, profile));
  const unique = new Map(sources.map((one) => [`${one.from}>${one.to}`, one]));
  return {
    id: release === 0 ? 'simulated/1' : `simulated/1#${release}`,
    manifest,
    segments: [...unique.values()],
    golden: {
      tolerance: 1e-6,
      cases: [
        {
          pixels: Buffer.from(pixelsOf(GOLDEN_ID)).toString('base64'),
          logits: Array.from({ length: EXITS }, (_, exit) => [...logitsOf(GOLDEN_ID, exit, release)]),
        },
      ],
    },
  };
}

/** The exit at which an image leaves a path without deadline, and its answer there. */
export function expectedOutcome(id: number, path: ExecutionPath, release: number) {
  const policy = policies['max-softmax'];
  for (const [step, { exit, threshold }] of path.entries()) {
    const probabilities = softmax(logitsOf(id, exit, release));
    const score = policy.score(probabilities, 1);
    const confident = threshold !== null && clears(policy, score, threshold);
    if (!confident && step < path.length - 1) continue;
    const reason: ExitReason =
      exit === EXITS - 1 ? 'final' : confident && exit < EXITS - 1 ? 'confident' : 'budget';
    return { step, reason, score, classIndex: argmax(probabilities) };
  }
  throw new Error(`a path ends with ${JSON.stringify(lastStep(path))}`);
}

export interface SimulatedEngineOptions {
  /** Waits for the duration of an engine call. */
  readonly call: (ids: readonly number[]) => Promise<void>;
  /** Whether loading these segments is refused. */
  readonly refuses: () => boolean;
  /** Receives the segments that are loaded; those that are released are removed. */
  readonly held: Set<SegmentSource>;
}

export function createSimulatedEngine({ call, refuses, held }: SimulatedEngineOptions): Engine {
  const load = async (sources: readonly SegmentSource[]): Promise<Segment[]> => {
    if (refuses()) throw new PackageError('Refused, as the simulation wants it.');
    for (const source of sources) held.add(source);
    return sources.map((source) => ({
      async run(rows, batch) {
        const { to } = source;
        invariant(held.has(source), 'no segment runs after it is released');
        const ids: number[] = [];
        for (let row = 0; row < batch; row++) {
          ids.push(idOf([(rows[row * VALUES] as number) * 255, (rows[row * VALUES + 1] as number) * 255]));
        }
        await call(ids);
        const logits = new Float32Array(batch * CLASSES);
        ids.forEach((id, row) => {
          logits.set(logitsOf(id, to, Number(source.input)), row * CLASSES);
        });
        return to === EXITS - 1 ? { logits } : { logits, cut: rows.slice() };
      },
      release: async () => void held.delete(source),
    }));
  };
  return { name: 'simulated', device: 'none', imageLayout: 'nchw', load };
}

export function isGolden(id: number): boolean {
  return id === GOLDEN_ID || id === 0;
}
