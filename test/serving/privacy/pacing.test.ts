// When answers leave, in virtual time: a worker whose images take longer the deeper they leave.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PrivacyMode } from '../../../src/config/settings.js';
import { Failure } from '../../../src/foundation/errors.js';
import { createPacing, MEASURED_RUNS } from '../../../src/serving/privacy/pacing.js';
import { createWorstCase, WINDOW } from '../../../src/serving/privacy/worst-case.js';
import type { Job, Outcome } from '../../../src/workers/request.js';
import { createVirtualTime } from '../../workers/simulation/virtual-time.js';

const EXITS = 3;
/** Time in the worker of an image that leaves at each exit. */
const SECONDS = [0.001, 0.004, 0.011];
const job = {
  path: Array.from({ length: EXITS }, (_, exit) => ({ exit })),
  account: {},
} as unknown as Job;

interface Image {
  readonly exit: number;
  readonly seconds?: number;
  readonly queueSeconds?: number;
  readonly images?: number;
}

/** @returns for each image the time from its admission to its answer; they come one after the other */
async function times(mode: Exclude<PrivacyMode, 'off'>, images: readonly Image[]): Promise<number[]> {
  const time = createVirtualTime();
  let measured = 0;
  let next: Image = { exit: 0 };
  const pacing = createPacing({
    mode,
    intervalSeconds: 0.005,
    workers: 1,
    now: time.now,
    startTimer: time.startTimer,
    async submit({ explain, account }) {
      assert.equal(
        account,
        explain === 'full' ? undefined : job.account,
        'a measurement is charged to nobody',
      );
      if (explain === 'full') measured++;
      const { exit, queueSeconds = 0, seconds = SECONDS[exit] ?? 0 } = next;
      await time.sleep(queueSeconds + (explain === 'full' ? (SECONDS.at(-1) ?? 0) : seconds));
      return { step: exit, queueSeconds } as Outcome;
    },
  });
  const taken: number[] = [];
  async function ask(image: Image): Promise<void> {
    next = image;
    const admitted = time.now();
    await pacing.pace({ admitted, images: image.images ?? 1, signal: undefined }, (paced) =>
      pacing.run(job, paced),
    );
    taken.push(Math.round((time.now() - admitted) * 1e6) / 1e6);
  }
  time.after(0, async () => {
    await ask({ exit: 0 }); // measures the worst case
    taken.pop();
    for (const image of images) await ask(image);
  });
  await time.runOut();
  assert.equal(measured, mode === 'strict' ? MEASURED_RUNS : 0);
  return taken;
}

const everyExit = SECONDS.map((_, exit) => ({ exit }));

test('strict: the time of an answer does not depend on the exit, however long the image waited', async () => {
  assert.deepEqual(await times('strict', everyExit), [0.015, 0.015, 0.015]);
  const waited = everyExit.map((image) => ({ ...image, queueSeconds: 0.006 }));
  assert.deepEqual(await times('strict', waited), [0.02, 0.02, 0.02]);
});

test('strict: a late answer tells only how many worst cases it took', async () => {
  const late = [0.012, 0.015, 0.021].map((seconds) => ({ exit: 2, seconds }));
  assert.deepEqual(await times('strict', late), [0.025, 0.025, 0.025]);
});

test('strict: the images of one request take the time of all of them at the last exit', async () => {
  const together = everyExit.map((image) => ({ ...image, images: 8 }));
  assert.deepEqual(await times('strict', together), [0.09, 0.09, 0.09]);
});

test('coarse: the time of an answer is a multiple of the interval', async () => {
  assert.deepEqual(await times('coarse', everyExit), [0.005, 0.005, 0.015]);
});

test('a failure leaves at an opening too, and a failed measurement is tried again', async () => {
  const time = createVirtualTime();
  let calls = 0;
  const pacing = createPacing({
    mode: 'strict',
    intervalSeconds: 0.005,
    workers: 1,
    now: time.now,
    startTimer: time.startTimer,
    async submit() {
      await time.sleep(0.001);
      if (++calls === 1) throw new Failure('worker-lost', 'The worker died.');
      return { step: 0, queueSeconds: 0 } as Outcome;
    },
  });
  const ask = () =>
    pacing.pace({ admitted: time.now(), images: 1, signal: undefined }, (paced) => pacing.run(job, paced));
  let failedAt = 0;
  time.after(0, async () => {
    await assert.rejects(ask(), { type: 'worker-lost' });
    failedAt = time.now();
    await ask();
  });
  await time.runOut();
  assert.equal(failedAt, 0.005);
  assert.equal(calls, 1 + MEASURED_RUNS + 1);
});

test('the worst case follows the window of the last times', () => {
  const worst = createWorstCase([0.01, 0.012, 0.011]);
  assert.equal(worst.alone, 0.012);
  for (let index = 0; index < WINDOW; index++) worst.note(index % 50 === 0 ? 0.03 : 0.02);
  assert.equal(worst.seconds(), 0.03);
  for (let index = 0; index < WINDOW; index++) worst.note(0.005);
  assert.equal(worst.seconds(), 0.005);
  assert.equal(worst.alone, 0.012, 'one image alone takes no longer for it');
});
