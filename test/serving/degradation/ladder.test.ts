// The ladder under loads in virtual time: a queue in front of workers whose images take as long as the rung says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createUniform } from '../../../src/foundation/random.js';
import { createLadder, DEGRADE_SECONDS, RESTORE_SECONDS } from '../../../src/serving/degradation/ladder.js';
import type { Rung } from '../../../src/serving/degradation/rungs.js';

const TARGET = 0.05;
const INTERVAL = 0.1;
const WORKERS = 2;
const MOST_WAITING = 128;
const FULL_FLOPS = 4;
/** Engine time of one image is this many seconds per FLOP: the first rung carries 250 images/s. */
const SECONDS_PER_FLOP = 0.004;

interface TestRung extends Rung {
  alarm: boolean;
}

function rungsOf(...flops: number[]): [TestRung, ...TestRung[]] {
  const rungs = flops.map((each, index): TestRung => {
    const rung = { name: `rung-${index}`, flops: each, alarm: false, isAlarmed: () => rung.alarm };
    return rung;
  });
  return rungs as [TestRung, ...TestRung[]];
}

/** Arrivals of a Poisson process, and a queue with room for MOST_WAITING, whose load the ladder sees. */
function createWorld(rungs: [Rung, ...Rung[]], position = 0) {
  const ladder = createLadder({
    rungs,
    targetSeconds: TARGET,
    workers: WORKERS,
    fullFlops: FULL_FLOPS,
    position,
  });
  const uniform = createUniform(1);
  const capacity = WORKERS / (SECONDS_PER_FLOP * rungs[0].flops);
  /** Engine time of each waiting image, the oldest first. */
  const waiting: number[] = [];
  let waitingSeconds = 0;
  let engineSeconds = 0;
  let now = 0;

  function arrive(slowness: number): void {
    if (waiting.length === MOST_WAITING) return;
    const rung = ladder.present();
    const seconds = (rung.isAlarmed() ? FULL_FLOPS : rung.flops) * SECONDS_PER_FLOP * slowness;
    waiting.push(seconds);
    waitingSeconds += seconds;
  }

  function work(): void {
    let spare = WORKERS * INTERVAL;
    for (let [first] = waiting; first !== undefined && spare > 0; [first] = waiting) {
      const done = Math.min(first, spare);
      spare -= done;
      waitingSeconds -= done;
      engineSeconds += done;
      if (done === first) waiting.shift();
      else waiting[0] = first - done;
    }
  }

  /**
   * Lets time pass.
   * @param load times the capacity of the first rung
   * @param slowness factor of all times
   * @returns the moves
   */
  function run(load: number, seconds: number, slowness = 1): { readonly at: number; readonly to: number }[] {
    const moves: { readonly at: number; readonly to: number }[] = [];
    for (const end = now + seconds; now < end; now += INTERVAL) {
      const gap = (): number =>
        load === 0 ? Number.POSITIVE_INFINITY : -Math.log(1 - uniform()) / (load * capacity);
      for (let at = gap(); at < INTERVAL; at += gap()) arrive(slowness);
      work();
      if (ladder.observe({ now, waitSeconds: waitingSeconds / WORKERS, engineSeconds })) {
        moves.push({ at: now, to: ladder.position() });
      }
    }
    return moves;
  }
  return { run, position: ladder.position };
}

const positionsOf = (moves: readonly { readonly to: number }[]) => moves.map(({ to }) => to);

test('without load it stays; under three times the capacity it moves within a second, and back within five', () => {
  const { run } = createWorld(rungsOf(2, 1.7));
  assert.deepEqual(run(0.5, 60), []);
  const [up = { at: 0, to: 0 }, ...others] = run(3, 60);
  assert.deepEqual([up.to, others.length], [1, 0]);
  assert.ok(up.at - 60 >= DEGRADE_SECONDS && up.at - 60 < 1.5, `degraded at ${up.at}`);
  const [down = { at: 0, to: 1 }, ...more] = run(0.5, 60);
  assert.deepEqual([down.to, more.length], [0, 0]);
  assert.ok(down.at - 120 >= RESTORE_SECONDS && down.at - 120 < 5, `restored at ${down.at}`);
});

test('no constant load makes it move forth and back', () => {
  for (const costs of [
    [2, 1.7],
    [2, 1],
    [2, 1.5, 1],
  ]) {
    for (let load = 0.5; load < 2.5; load += 0.2) {
      const positions = positionsOf(createWorld(rungsOf(...costs)).run(load, 60));
      const back = positions.filter((to, index) => to < (positions[index - 1] ?? 0)).length;
      assert.ok(back <= 1, `costs ${costs}, load ${load.toFixed(1)}: ${positions}`);
    }
  }
});

test('it goes no further than the load demands, and from there back to the dearest rung that has time', () => {
  const { run } = createWorld(rungsOf(2, 1, 0.25));
  assert.deepEqual(positionsOf(run(1.5, 30)), [1]);
  assert.deepEqual(positionsOf(run(4, 30)), [2]);
  assert.deepEqual(positionsOf(run(1.2, 30)), [1], 'the first rung has no time for it');
  assert.deepEqual(positionsOf(run(0.5, 30)), [0]);
  assert.deepEqual(positionsOf(createWorld(rungsOf(2, 1, 0.25), 2).run(0, 4)), [0], 'not rung by rung');
});

/** A ladder that sees only the given waits, without work. */
function createWaits(...flops: number[]) {
  const ladder = createLadder({
    rungs: rungsOf(...flops),
    targetSeconds: TARGET,
    workers: WORKERS,
    fullFlops: FULL_FLOPS,
  });
  return {
    ...ladder,
    observe: (now: number, waitSeconds: number) => ladder.observe({ now, waitSeconds, engineSeconds: 0 }),
  };
}

test('a short peak moves nothing', () => {
  const { observe } = createWaits(2, 1);
  const waits = [0, TARGET, 2 * TARGET, 2 * TARGET, TARGET, 2 * TARGET, 0];
  assert.ok(!waits.map((wait, index) => observe(index * INTERVAL, wait)).includes(true));
});

test('after a move, the next one waits until the requests queued before are gone', () => {
  const { observe, position } = createWaits(2, 1, 0.5);
  assert.deepEqual([observe(0, 1), observe(0.5, 1)], [false, true]);
  assert.deepEqual([observe(1.4, 1), observe(1.5, 1), observe(2, 1)], [false, false, true]);
  assert.equal(position(), 2);
  assert.equal(observe(10, 1), false, 'there is no cheaper rung');
});

test('a queue that shrinks moves nothing', () => {
  const { observe } = createWaits(2, 1);
  assert.deepEqual([observe(0, 1), observe(0.5, 0.8), observe(1, 0.7)], [false, false, false]);
  assert.equal(observe(1.5, 0.69), true);
});

test('a machine that was slow for a while does not keep it on a cheap rung', () => {
  const { run } = createWorld(rungsOf(2, 1));
  assert.deepEqual(positionsOf(run(0.5, 20, 3)), [1]);
  assert.deepEqual(positionsOf(run(0.5, 20)), [0]);
});

test('an alarmed rung is passed over: on the way, and as soon as its alarm is raised', () => {
  const rungs = rungsOf(2, 1.5, 1);
  const [, middle, last] = rungs;
  if (!middle || !last) throw new Error('three rungs');
  const { run, position } = createWorld(rungs);
  middle.alarm = true;
  assert.deepEqual(positionsOf(run(3, 10)), [2]);
  last.alarm = true;
  assert.deepEqual(positionsOf(run(3, 10)), [0], 'the default profile is left');
  middle.alarm = false;
  run(3, 10);
  assert.equal(position(), 1);
  middle.alarm = true;
  last.alarm = false;
  assert.equal(run(3, 10)[0]?.to, 2, 'a cheaper one, if there is one');
});

test('back on an alarmed default profile every image costs as much as full: only if there is time for that', () => {
  const rungs = rungsOf(2, 1);
  const { run } = createWorld(rungs, 1);
  rungs[0].alarm = true;
  assert.deepEqual(run(0.6, 30), []);
  rungs[0].alarm = false;
  assert.deepEqual(positionsOf(run(0.6, 30)), [0]);
});
