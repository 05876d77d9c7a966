import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CascadeInput, type Departure, runCascade } from '../../src/cascade/cascade.js';
import type { Segment } from '../../src/engines/engine.js';
import type { ExecutionPath, Step } from '../../src/network/execution-path.js';

// A network of three exits and two classes. An image is one number, its "depth": exit k is confident (logit gap 10) if
// k ≥ depth, else not (gap 0.1). The label depends on the sign of the number.
const path: ExecutionPath = [
  { from: -1, exit: 0, threshold: 0.5, flops: 1 },
  { from: 0, exit: 1, threshold: 0.5, flops: 2 },
  { from: 1, exit: 2, threshold: null, flops: 3 },
];

function network() {
  const rowsSeen: number[][] = [];
  const segmentOf = ({ exit }: Step): Segment => ({
    async run(input, batch) {
      assert.equal(input.length, batch);
      rowsSeen.push([...input]);
      const logits = Float32Array.from({ length: 2 * batch }, (_, i) => {
        const depth = input[i >> 1] as number;
        const gap = exit >= Math.abs(depth) ? 10 : 0.1;
        return (i & 1) === (depth < 0 ? 1 : 0) ? gap : 0;
      });
      return { logits, cut: input };
    },
    release: async () => {},
  });
  return { segmentOf, rowsSeen };
}

async function run(images: number[], options: Partial<CascadeInput> = {}) {
  const { segmentOf, rowsSeen } = network();
  const departures: Departure[] = [];
  const batches: number[] = [];
  const cascade = runCascade({
    path,
    segmentOf,
    policy: 'entropy',
    finalExit: 2,
    images: Float32Array.from(images),
    batch: images.length,
    deadlineOf: () => Number.POSITIVE_INFINITY,
    isCancelled: () => false,
    now: () => 0,
    ...options,
  });
  for await (const { run, departures: some } of cascade) {
    batches.push(run.batch);
    departures.push(...some);
  }
  return { departures, batches, rowsSeen };
}

const summary = (departures: Departure[]) =>
  departures.map(({ image, step, reason }) => [image, step, reason]);

test('each image leaves at its exit; the rest are compacted; no stage runs after the exit taken', async () => {
  const { departures, rowsSeen } = await run([2, 0, 1, -2, 0]);
  assert.deepEqual(summary(departures), [
    [1, 0, 'confident'],
    [4, 0, 'confident'],
    [2, 1, 'confident'],
    [0, 2, 'final'],
    [3, 2, 'final'],
  ]);
  assert.deepEqual(rowsSeen, [
    [2, 0, 1, -2, 0],
    [2, 1, -2],
    [2, -2],
  ]);
});

test('the cascade ends when the last image has left, not at the last stage', async () => {
  const { rowsSeen } = await run([0, 0]);
  assert.deepEqual(rowsSeen, [[0, 0]]);
});

test('each image gets the same answer in a batch as alone', async () => {
  const images = [0, 2, 1, -1, 2, 0, -2];
  const { departures } = await run(images);
  for (const [index, image] of images.entries()) {
    const [alone] = (await run([image])).departures;
    const together = departures.find((one) => one.image === index);
    assert.deepEqual({ ...together, image: 0 }, alone);
  }
});

test('a path limited by a budget has the reason budget at its end, unless the score clears the threshold', async () => {
  const short: ExecutionPath = [path[0], path[1] as Step];
  const { departures } = await run([2, 1], { path: short });
  assert.deepEqual(summary(departures), [
    [0, 1, 'budget'],
    [1, 1, 'confident'],
  ]);
});

test('an image leaves at the first exit that it reaches after its deadline', async () => {
  let time = 0;
  const { departures } = await run([2, 2], {
    now: () => time++,
    deadlineOf: (image) => (image === 0 ? 1 : 100),
  });
  assert.deepEqual(summary(departures), [
    [0, 0, 'deadline'],
    [1, 2, 'final'],
  ]);
});

test('an image whose client has disconnected is dropped before the next stage', async () => {
  const cancelled = new Set<number>();
  const { segmentOf, rowsSeen } = network();
  const left: number[] = [];
  const cascade = runCascade({
    path,
    segmentOf,
    policy: 'entropy',
    finalExit: 2,
    images: Float32Array.of(2, -2),
    batch: 2,
    deadlineOf: () => Number.POSITIVE_INFINITY,
    isCancelled: (image) => cancelled.has(image),
    now: () => 0,
  });
  for await (const { departures } of cascade) {
    left.push(...departures.map(({ image }) => image));
    cancelled.add(0);
  }
  assert.deepEqual(left, [1]);
  assert.deepEqual(rowsSeen, [[2, -2], [-2], [-2]]);
});

test('patience counts consecutive active exits that agree', async () => {
  const patient = path.map((step) => ({
    ...step,
    threshold: step.threshold && 2,
  })) as unknown as ExecutionPath;
  const { departures } = await run([2], { policy: 'patience', path: patient });
  assert.deepEqual(
    departures.map(({ step, score }) => [step, score]),
    [[1, 2]],
  );
});

test('an image whose score is NaN stays to the final exit', async () => {
  const broken: Segment = {
    run: async (input, batch) => ({ logits: new Float32Array(2 * batch).fill(Number.NaN), cut: input }),
    release: async () => {},
  };
  const { departures } = await run([0], { segmentOf: () => broken });
  assert.deepEqual(summary(departures), [[0, 2, 'final']]);
});

test('an explained image has the exits of its way; run on to the end, those behind too, with the same answer', async () => {
  const images = [2, 0, 1, -2];
  const plain = (await run(images)).departures;
  for (const explain of ['path', 'full'] as const) {
    const { departures, rowsSeen } = await run(images, { explain });
    const answers = departures.map(({ visits, ...answer }) => answer);
    assert.deepEqual(
      answers.sort((a, b) => a.image - b.image),
      [...plain].sort((a, b) => a.image - b.image),
    );
    for (const { image, step, visits = [] } of departures) {
      const depth = Math.abs(images[image] as number);
      const last = explain === 'full' ? 2 : step;
      assert.deepEqual(
        visits.map((visit) => [visit.step, visit.cleared]),
        [0, 1, 2].slice(0, last + 1).map((exit) => [exit, exit >= depth && exit < 2]),
      );
      assert.deepEqual(visits[step]?.probabilities, plain.find((one) => one.image === image)?.probabilities);
    }
    assert.deepEqual(
      rowsSeen.map((rows) => rows.length),
      explain === 'full' ? [4, 4, 4] : [4, 3, 2],
    );
  }
  assert.ok(plain.every((departure) => !('visits' in departure)));
});

test('a deadline ends an explanation, and the answer is that of the exit where the image would have left', async () => {
  let time = 0;
  // Each exit asks the clock once about an image that has left.
  const { departures } = await run([0], { explain: 'full', now: () => time++, deadlineOf: () => 4 });
  const [{ visits = [], step, reason } = {} as Departure] = departures;
  assert.deepEqual([step, reason, visits.length], [0, 'confident', 2]);
});
