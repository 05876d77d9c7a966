// The gate in virtual time: answers leave at regular openings, whenever they were ready.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGate } from '../../../src/serving/privacy/gate.js';
import type { ClientSignal } from '../../../src/workers/request.js';
import { createVirtualTime, type VirtualTime } from '../../workers/simulation/virtual-time.js';

const INTERVAL = 0.005;

function gateIn(time: VirtualTime) {
  return createGate({ intervalSeconds: INTERVAL, now: time.now, startTimer: time.startTimer });
}

test('an answer leaves at the first opening after it is due, whenever it came to the gate', async () => {
  for (const comesAt of [0, 0.0012, 0.0049, 0.0071]) {
    const time = createVirtualTime();
    const gate = gateIn(time);
    const leave = gate.enter();
    let leftAt = 0;
    time.after(comesAt, async () => {
      await gate.pass(0.0072, 0, undefined);
      leftAt = time.now();
      leave();
    });
    await time.runOut();
    assert.equal(leftAt.toFixed(6), '0.010000', `came at ${comesAt}`);
  }
});

test('the answers of one opening leave in their order, not in that of their coming', async () => {
  const time = createVirtualTime();
  const gate = gateIn(time);
  const left: number[] = [];
  for (const [comesAt, order] of [
    [0.001, 2],
    [0.002, 1],
    [0.003, 0],
  ] as const) {
    const leave = gate.enter();
    time.after(comesAt, async () => {
      await gate.pass(comesAt, order, undefined);
      left.push(order);
      leave();
    });
  }
  await time.runOut();
  assert.deepEqual(left, [0, 1, 2]);
});

test('an answer whose client is gone does not wait, and an empty gate has no timer', async () => {
  const time = createVirtualTime();
  const gate = gateIn(time);
  const listeners: (() => void)[] = [];
  const signal: ClientSignal = {
    aborted: false,
    addEventListener: (_type, listener) => void listeners.push(listener),
  };
  const leave = gate.enter();
  let leftAt = Number.NaN;
  time.after(0.001, async () => {
    await gate.pass(60, 0, signal);
    leftAt = time.now();
    leave();
  });
  time.after(0.002, () => {
    for (const listener of listeners) listener();
  });
  await time.runOut();
  assert.equal(leftAt, 0.002);
  assert.ok(time.now() <= INTERVAL, 'nothing ran later');
  await gate.pass(60, 0, { ...signal, aborted: true });
});
