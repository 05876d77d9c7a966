// The replay against the cascade itself: same logits, same thresholds, same exits and FLOPs.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flopsCost } from '../../../src/calibration/cost.js';
import { createExitTable, selectImages } from '../../../src/calibration/scores/exit-table.js';
import {
  countByExit,
  exitsTaken,
  type Thresholds,
  totalCost,
} from '../../../src/calibration/scores/replay.js';
import { runCascade } from '../../../src/cascade/cascade.js';
import type { Segment } from '../../../src/engines/engine.js';
import type { Policy } from '../../../src/format/profiles.js';
import { buildPath, type Step } from '../../../src/network/execution-path.js';
import { classes, exits, syntheticRecording } from '../synthetic.js';

const recording = syntheticRecording(400, 3);

/** Leaves as the cascade has them, its "network" reading the recorded logits. */
async function cascade(policy: Policy, thresholds: Thresholds): Promise<number[]> {
  const path = buildPath(exits, { thresholds });
  const segmentOf = ({ exit }: Step): Segment => ({
    async run(rows, batch) {
      const logits = new Float32Array(batch * classes);
      rows.forEach((image, row) => {
        const start = (image * exits.length + exit) * classes;
        logits.set(recording.logits.subarray(start, start + classes), row * classes);
      });
      return { logits, cut: rows };
    },
    release: async () => {},
  });
  const taken = new Array<number>(recording.images).fill(-1);
  const running = runCascade({
    path,
    segmentOf,
    policy,
    finalExit: exits.length - 1,
    images: Float32Array.from({ length: recording.images }, (_, image) => image),
    batch: recording.images,
    deadlineOf: () => Number.POSITIVE_INFINITY,
    isCancelled: () => false,
    now: () => 0,
  });
  for await (const { departures } of running) {
    for (const { image, step } of departures) taken[image] = path[step]?.exit ?? -1;
  }
  return taken;
}

test('under every policy, images leave where the cascade lets them leave', async () => {
  const cases: [Policy, Thresholds][] = [
    ['entropy', [0.2, 0.4]],
    ['entropy', [null, 0.4]],
    ['max-softmax', [0.95, 0.8]],
    ['max-softmax', [0.9, null]],
    ['margin', [0.9, 0.7]],
    ['patience', [2, 2]],
    ['patience', [1, 1]],
    ['patience', [null, 2]],
    ['patience', [3, 2]],
  ];
  for (const [policy, thresholds] of cases) {
    const taken = [...exitsTaken(createExitTable(recording, policy), thresholds)];
    assert.deepEqual(taken, await cascade(policy, thresholds), `${policy} ${thresholds}`);
  }
});

test('FLOPs are those of the path: heads of inactive exits cost nothing', () => {
  assert.deepEqual(flopsCost(exits)([0.1, 0.1]), [150, 600, 1100]);
  assert.deepEqual(flopsCost(exits)([null, 0.1]), [0, 550, 1050]);
  assert.deepEqual(flopsCost(exits)([null, null]), [0, 0, 1000]);
  const taken = Uint8Array.of(0, 0, 1, 2);
  assert.deepEqual(countByExit(taken, 3), [2, 1, 1]);
  assert.equal(totalCost(taken, [150, 600, 1100]), 300 + 600 + 1100);
});

test('a selection is the table of those images, in that order', () => {
  const whole = createExitTable(recording, 'margin');
  const indices = Uint32Array.of(17, 3, 399);
  const part = selectImages(whole, indices);
  assert.equal(part.images, 3);
  indices.forEach((image, place) => {
    assert.equal(part.truth?.[place], whole.truth?.[image]);
    assert.equal(part.labels[1]?.[place], whole.labels[1]?.[image]);
    assert.equal(part.scores[0]?.[place], whole.scores[0]?.[image]);
  });
});
