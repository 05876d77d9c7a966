// Measures on this machine what the stages between candidates and their heads take. FLOPs do not tell: an exit costs a
// call of the engine and the copy of a tensor, and pooling counts as nothing.
import { fastestOf } from '../../calibration/fastest.js';
import { createImageTensor } from '../../cascade/image-tensor.js';
import type { Engine, Segment, SegmentSource } from '../../engines/engine.js';
import { invariant } from '../../foundation/errors.js';
import { extractSegment } from '../../network/segments.js';
import { readNetwork } from '../../packages/package.js';
import { syntheticImages } from '../../packages/synthetic-images.js';
import type { Candidate } from '../find-candidates.js';
import { headAlone, logitsOf, type NewExit, withExits } from '../heads/exit-graph.js';
import { batchFor, finalLogits } from '../observe.js';
import type { PlainNetwork } from '../plain-network.js';

/** As many images as the server takes together under load. */
const BATCH = 8;
const ROUNDS = { fewest: 5, most: 100, seconds: 4 };

/** Seconds for one image. */
export interface Times {
  /** From each candidate to the next, the first from the image, the last to the logits. */
  readonly stages: readonly number[];
  /** Of each candidate: its head, and what leaving the engine and entering it again costs. */
  readonly heads: readonly number[];
  /** The whole network in one call. */
  readonly whole: number;
}

export async function measureTimes(
  engine: Engine,
  plain: PlainNetwork,
  candidates: readonly Candidate[],
): Promise<Times> {
  const exits = candidates.map((candidate, index) => withoutWeights(candidate, index, plain));
  const classes = plain.description.classes.length;
  const model = withExits(plain.graph, classes, exits);
  const network = readNetwork(model, {
    ...plain.description,
    input: plain.input,
    exits: [
      ...exits.map(({ name, tensor }) => ({ name, logits: logitsOf(name), cut: tensor })),
      { name: 'final', logits: finalLogits(plain) },
    ],
  });
  const last = exits.length;
  const batch = Math.min(BATCH, batchFor(plain.input));
  const stages = Array.from({ length: last + 1 }, (_, to) => extractSegment(network, { from: to - 1, to }));
  const heads = exits.map((exit, index): SegmentSource => {
    const { shape, elementType } = candidates[index] as Candidate;
    const graph = headAlone(model, classes, exit, shape, elementType);
    return {
      from: index,
      to: index,
      input: exit.tensor,
      inputShape: shape,
      logits: logitsOf(exit.name),
      graph,
    };
  });
  const whole = extractSegment(network, { from: -1, to: last });

  const loaded = await engine.load([...stages, ...heads, whole]);
  try {
    const rows = createImageTensor(plain.input, engine.imageLayout);
    const image = rows(Buffer.concat(syntheticImages(plain.input, batch, 1)));
    const inputs = await inputsOf(loaded.slice(0, last + 1), image, batch);
    const all = [...inputs, ...inputs.slice(1), image];
    const tasks = loaded.map((segment, index) => () => segment.run(all[index] as Float32Array, batch));
    const seconds = (await fastestOf(tasks, ROUNDS)).map((one) => one / batch);
    return timesFrom(seconds.slice(0, last + 1), seconds.slice(last + 1, -1), seconds.at(-1) as number);
  } finally {
    await Promise.all(loaded.map((segment) => segment.release()));
  }
}

/**
 * Stages are measured with the head that ends them and with what a call costs; the whole network has neither.
 * @param parts of each stage with its head @param heads of each head alone @param whole of the network in one call
 */
export function timesFrom(parts: readonly number[], heads: readonly number[], whole: number): Times {
  const stages = parts.map((part, index) => Math.max(0, part - (heads[index] ?? 0)));
  const sum = stages.reduce((total, stage) => total + stage, 0);
  const call = Math.max(0, sum - whole) / Math.max(1, heads.length);
  return {
    stages: stages.map((stage) => (sum === 0 ? 0 : (stage * whole) / sum)),
    heads: heads.map((head) => head + call),
    whole,
  };
}

function withoutWeights(candidate: Candidate, index: number, { description }: PlainNetwork): NewExit {
  const classes = description.classes.length;
  const head = {
    weight: new Float32Array(classes * candidate.form.count),
    bias: new Float32Array(classes),
  };
  return { ...candidate, name: `candidate-${index}`, head };
}

/** What each stage takes: the image, then each cut. */
async function inputsOf(
  stages: readonly Segment[],
  image: Float32Array,
  batch: number,
): Promise<Float32Array[]> {
  const inputs = [image];
  for (const stage of stages.slice(0, -1)) {
    const { cut } = await stage.run(inputs.at(-1) as Float32Array, batch);
    invariant(cut, 'a side exit has a cut');
    inputs.push(cut);
  }
  return inputs;
}
