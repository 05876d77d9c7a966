// The rule that chooses the batches of the next engine call, tested with segments that are never run.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beginDescent, type Descent } from '../../src/cascade/cascade.js';
import { createSegmentQueue, MOST_CALLS_PASSED_OVER } from '../../src/cascade/segment-queue.js';
import type { Segment } from '../../src/engines/engine.js';

const MAX_BATCH = 8;

const aSegment = (): Segment => ({ run: () => assert.fail('nothing is run here'), release: async () => {} });
const segments = [aSegment(), aSegment(), aSegment(), aSegment()] as const;
const [first, second, third] = segments;

type Named = Descent & { readonly name: string };

/** A batch of `batch` images whose next segment is `segment`; later elements of `segments` are deeper. */
function named(name: string, segment: Segment, batch: number, gone: ReadonlySet<number> = new Set()): Named {
  const descent = beginDescent({
    path: [{ from: -1, exit: segments.indexOf(segment), threshold: null, flops: 1 }],
    segmentOf: () => segment,
    policy: 'entropy',
    finalExit: 0,
    images: new Float32Array(batch),
    batch,
    deadlineOf: () => Number.POSITIVE_INFINITY,
    isCancelled: (image) => gone.has(image),
    now: () => 0,
  });
  return { ...descent, name };
}

function queueOf(...batches: readonly Named[]) {
  const queue = createSegmentQueue<Named>(MAX_BATCH);
  for (const batch of batches) queue.add(batch);
  const take = () => queue.take().map(({ name }) => name);
  return { queue, take };
}

test('batches that need the same segment share a call; no batch waits for others to arrive', () => {
  const { take } = queueOf(named('a', first, 3), named('b', first, 2));
  assert.deepEqual(take(), ['a', 'b']);
  assert.deepEqual(take(), []);
});

test('a full call goes first; then the deepest segment; of several full calls the deepest', () => {
  const { queue, take } = queueOf(named('a', first, 3), named('b', second, 7), named('c', third, 1));
  assert.deepEqual(take(), ['c']);
  queue.add(named('d', third, 2));
  queue.add(named('e', first, 5));
  assert.deepEqual(take(), ['a', 'e'], 'full');
  queue.add(named('f', first, 8));
  queue.add(named('g', second, 1));
  assert.deepEqual(take(), ['b', 'g'], 'full and deeper');
  assert.deepEqual(take(), ['f']);
  assert.deepEqual(take(), ['d']);
});

test('a call has at most maxBatch images, and no batch is split', () => {
  const { take } = queueOf(
    named('a', first, 5),
    named('b', first, 4),
    named('c', first, 3),
    named('d', first, 1),
  );
  assert.deepEqual(take(), ['a', 'c']);
  assert.deepEqual(take(), ['b', 'd']);
});

test('a waiting batch is passed over exactly MOST_CALLS_PASSED_OVER times', () => {
  const { queue, take } = queueOf(named('waits', first, 1));
  const order: string[] = [];
  for (let call = 0; call <= MOST_CALLS_PASSED_OVER; call++) {
    queue.add(named('newcomer', second, 2));
    order.push(...take());
  }
  assert.deepEqual(order, [...new Array<string>(MOST_CALLS_PASSED_OVER).fill('newcomer'), 'waits']);
});

test('no order of arrivals makes later batches pass a waiting batch more often', () => {
  for (let seed = 1; seed <= 50; seed++) {
    let state = seed;
    const random = (below: number): number => {
      state = (state * 48_271) % 2_147_483_647;
      return state % below;
    };
    const { queue } = queueOf();
    const waiting = new Map<Named, { since: number; passedOver: number }>();
    for (let call = 0; call < 200; call++) {
      while (waiting.size < 6 && random(3) > 0) {
        const segment = segments[random(segments.length)] as Segment;
        const batch = named('', segment, 1 + random(MAX_BATCH));
        queue.add(batch);
        waiting.set(batch, { since: call, passedOver: 0 });
      }
      const taken = queue.take();
      const earliest = Math.min(...taken.map((batch) => waiting.get(batch)?.since ?? assert.fail()));
      for (const batch of taken) waiting.delete(batch);
      for (const one of waiting.values()) {
        if (earliest > one.since) one.passedOver++;
        assert.ok(one.passedOver <= MOST_CALLS_PASSED_OVER, `seed ${seed}, call ${call}`);
      }
    }
  }
});

test('cancelled images do not count, and a batch with only cancelled images is removed', () => {
  const { queue, take } = queueOf(
    named('a', first, 3, new Set([0, 2])),
    named('b', second, 2),
    named('c', second, 2, new Set([0, 1])),
  );
  assert.deepEqual(
    queue.dropCancelled().map(({ name }) => name),
    ['c'],
  );
  assert.deepEqual(take(), ['b']);
  const [a] = queue.take();
  assert.deepEqual([a?.name, a?.staying], ['a', [1]]);
  assert.deepEqual(queue.dropCancelled(), []);
});
