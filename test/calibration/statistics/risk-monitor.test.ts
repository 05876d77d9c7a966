// The monitor over simulated streams: false alarms stay within α whatever the past, and a broken promise is found.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMonitor } from '../../../src/calibration/statistics/risk-monitor.js';
import { createUniform } from '../../../src/foundation/random.js';
import { atMostWithLuck } from './luck.js';

const STREAMS = 1000;

/** How many of the streams raise an alarm within `audits`. @param riskAt the true risk at each audit */
function alarms(alpha: number, epsilon: number, audits: number, riskAt: (audit: number) => number): number {
  let count = 0;
  for (let stream = 0; stream < STREAMS; stream++) {
    const uniform = createUniform(stream);
    const monitor = createMonitor(epsilon, alpha);
    for (let audit = 0; audit < audits && !monitor.isAlarmed(); audit++) {
      monitor.observe(uniform() < riskAt(audit) ? 1 : 0);
    }
    if (monitor.isAlarmed()) count++;
  }
  return count;
}

for (const alpha of [0.05, 0.2]) {
  for (const epsilon of [0.01, 0.1]) {
    test(`with the risk exactly ε = ${epsilon}, at most α = ${alpha} of 1,000 streams alarm`, () => {
      const count = alarms(alpha, epsilon, 100 / epsilon, () => epsilon);
      atMostWithLuck(count, STREAMS, alpha);
      assert.ok(count > 0, 'the test can see alarms');
    });
  }
}

test('nor do more alarm where the risk comes in bursts, below ε at every moment', () => {
  const epsilon = 0.02;
  const count = alarms(0.05, epsilon, 5000, (audit) => (Math.floor(audit / 250) % 2 === 0 ? epsilon : 0));
  atMostWithLuck(count, STREAMS, 0.05);
});

test('a monitor that bets on what it is just being shown breaks this', () => {
  const [epsilon, alpha] = [0.01, 0.05];
  let count = 0;
  for (let stream = 0; stream < STREAMS; stream++) {
    const uniform = createUniform(stream);
    let evidence = 1;
    for (let audit = 0; audit < 1000 && evidence < 1 / alpha; audit++) {
      const loss = uniform() < epsilon ? 1 : 0;
      evidence *= 1 + (loss === 1 ? 1 : 0) * (loss - epsilon);
    }
    if (evidence >= 1 / alpha) count++;
  }
  assert.throws(() => atMostWithLuck(count, STREAMS, alpha));
});

/** Audits until the alarm, sorted, over 1,000 streams. @param calm audits at risk ε/10 before the risk is 3 ε */
function delays(epsilon: number, calm: number): number[] {
  return Array.from({ length: STREAMS }, (_, stream) => {
    const uniform = createUniform(stream);
    const monitor = createMonitor(epsilon, 0.01);
    for (let audit = 0; audit < calm; audit++) monitor.observe(uniform() < epsilon / 10 ? 1 : 0);
    let audits = 0;
    while (!monitor.isAlarmed()) {
      monitor.observe(uniform() < 3 * epsilon ? 1 : 0);
      audits++;
    }
    return audits;
  }).sort((a, b) => a - b);
}

// The numbers that docs/calibration.md states, in units of 1/ε audits.
for (const epsilon of [0.005, 0.01, 0.05]) {
  test(`a risk of 3 ε, ε = ${epsilon}, is found within 20/ε audits in 99 of 100 cases`, () => {
    const [fresh, after] = [delays(epsilon, 0), delays(epsilon, Math.round(100 / epsilon))];
    assert.ok((fresh[STREAMS / 2] as number) <= 5 / epsilon, `half: ${fresh[STREAMS / 2]}`);
    assert.ok((fresh[STREAMS * 0.99] as number) <= 20 / epsilon, `99 %: ${fresh[STREAMS * 0.99]}`);
    assert.ok((after[STREAMS / 2] as number) <= 8 / epsilon, `half, after calm: ${after[STREAMS / 2]}`);
    assert.ok((after[STREAMS * 0.99] as number) <= 20 / epsilon, `99 %, after: ${after[STREAMS * 0.99]}`);
  });
}

test('answers that differ half the time are found at once, and calm traffic costs no evidence', () => {
  const monitor = createMonitor(0.01, 0.01);
  for (let audit = 0; audit < 100_000; audit++) monitor.observe(0);
  assert.equal(monitor.evidence(), 1);
  let audits = 0;
  for (; !monitor.isAlarmed(); audits++) monitor.observe(audits % 2 === 0 ? 1 : 0);
  assert.ok(audits <= 50, `${audits}`);
});

test('the alarm stays, and the evidence is what the formula says', () => {
  const [epsilon, alpha] = [0.1, 0.5];
  const monitor = createMonitor(epsilon, alpha);
  monitor.observe(1); // nothing was bet yet
  assert.equal(monitor.evidence(), 1);
  const forgetting = 1 - epsilon / 5;
  const estimate = (forgetting + 1) / (10 * forgetting + 1);
  const bet = (estimate - epsilon) / (epsilon * (1 - epsilon));
  monitor.observe(1);
  assert.ok(Math.abs(monitor.evidence() - (1 + bet * (1 - epsilon))) < 1e-12);
  while (!monitor.isAlarmed()) monitor.observe(1);
  for (let audit = 0; audit < 1000; audit++) monitor.observe(0);
  assert.ok(monitor.isAlarmed());
});
