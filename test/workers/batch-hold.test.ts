import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBatchHold } from '../../src/workers/batch-hold.js';

/** A hold whose clock and timers the test controls. */
function bench() {
  const clock = { now: 0 };
  const timers: { readonly callback: () => void; readonly milliseconds: number }[] = [];
  let ends = 0;
  const hold = createBatchHold({
    now: () => clock.now,
    startTimer(callback, milliseconds) {
      timers.push({ callback, milliseconds });
      return { close() {} };
    },
    onEnd: () => ends++,
  });
  return { ...hold, clock, timers, ends: () => ends };
}

test('after a batch, fewer requests than it had are held back for a tenth of its engine time', () => {
  const { batchEnded, holds, clock, timers, ends } = bench();
  assert.equal(holds(1), false, 'no batch has ended');
  batchEnded(8, 0.02);
  assert.equal(holds(1), true);
  assert.equal(holds(7), true);
  assert.deepEqual(
    timers.map(({ milliseconds }) => milliseconds),
    [2],
  );
  assert.equal(holds(8), false, 'as many wait as were answered');
  clock.now = 0.002;
  assert.equal(holds(1), false);
  timers[0]?.callback();
  assert.equal(ends(), 1);
});

test('a hold ends after 3 ms at the latest, and a batch of one image begins none', () => {
  const { batchEnded, batchStarted, holds, clock, timers } = bench();
  batchEnded(4, 10);
  assert.equal(holds(3), true);
  assert.equal(timers[0]?.milliseconds, 3);
  clock.now = 0.0031;
  assert.equal(holds(3), false);
  batchEnded(1, 10);
  assert.equal(holds(1), false);
  batchEnded(4, 10);
  batchStarted();
  assert.equal(holds(1), false, 'a batch has started since');
});
