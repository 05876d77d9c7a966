// One schedule from a seed: requests arrive, wait, are cancelled or miss deadlines; workers die; segments are loaded;
// networks are replaced. At the end everything is closed.
import assert from 'node:assert/strict';
import { createChance } from './chance.js';
import { drawFaults } from './faults.js';
import { releaseOf } from './network.js';
import { createSystem } from './system.js';
import { createTraffic } from './traffic.js';
import { createVirtualTime } from './virtual-time.js';
import type { WatchedRequest } from './watched-workers.js';

const LONGEST_SECONDS = 2;
/** In a shorter schedule, requests are closer together. */
const lengths = [0.05, 0.5, LONGEST_SECONDS] as const;

/** @returns the number of requests, the number of dead threads, and the number of requests by outcome */
export async function runSchedule(seed: number): Promise<Readonly<Record<string, number>>> {
  const chance = createChance(seed);
  const time = createVirtualTime();
  const faults = drawFaults(chance);
  const first = releaseOf(0);
  const { network } = first;
  const requests: WatchedRequest[] = [];
  const found: unknown[] = [];
  const onFault = (error: unknown): unknown => found.push(error);
  const system = createSystem({ time, chance, faults, network, requests, onFault });
  const traffic = createTraffic({ system, time, chance, first, requests, onFault });

  const started = system.workers.start().then(() => {
    const seconds = chance.oneOf(lengths);
    const last = chance.whole(1, 60);
    for (let id = 1; id <= last; id++) time.after(chance.between(0, seconds), () => traffic.submit(id));
    for (let id = last + chance.whole(0, 5); id > last; id--) {
      time.after(chance.between(0, seconds), () => traffic.submitBackground(id));
    }
    for (let death = 0; death < faults.deathsPerSecond * LONGEST_SECONDS; death++) {
      time.after(chance.between(0, LONGEST_SECONDS), () => {
        system.threads[chance.whole(0, system.threads.length - 1)]?.die('chance');
      });
    }
    const changes = [() => traffic.load(2), () => traffic.load(3), traffic.replace, traffic.replace];
    time.after(chance.between(0, seconds), async () => {
      // One load at a time.
      while (changes.length > 0) await changes.splice(chance.whole(0, changes.length - 1), 1)[0]?.();
    });
  });
  await time.runOut();
  await started;
  if (found.length > 0) throw found[0];
  assert.deepEqual([...traffic.open], [], 'everything comes to an end');
  assert.equal(system.waiting(), 0);
  const deaths = system.deaths();
  for (const thread of system.threads) {
    if (!thread.isDead())
      assert.deepEqual(thread.releases(), [`${traffic.release()}`], 'others are released');
  }

  let isClosed = false;
  void system.workers.close().then(() => {
    isClosed = true;
  });
  await time.runOut();
  assert.ok(isClosed && system.threads.every((thread) => thread.isDead()), 'all threads end');
  return { requests: requests.length, deaths, ...traffic.outcomes };
}
