// Schedules of dispatcher, pool and workers in virtual time, each drawn from a seed. Every request has exactly one
// answer, order and bounds are kept, no batch starves, and everything ends. RDI_SIMULATION_SCHEDULES sets the number of
// schedules, for example 10000.
import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import process from 'node:process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runNode } from '../support/service/serve-process.js';
import { createVirtualTime } from './simulation/virtual-time.js';

const schedules = Number(process.env['RDI_SIMULATION_SCHEDULES'] ?? 1000);
const simulate = fileURLToPath(new URL('./simulation/simulate.js', import.meta.url));

test(`${schedules} simulated schedules`, { timeout: 300_000 }, async (t) => {
  const processes = availableParallelism();
  const share = Math.ceil(schedules / processes);
  const totals: Record<string, number> = {};
  const runs = Array.from({ length: processes }, async (_, index) => {
    const range = [index * share + 1, Math.min(schedules, (index + 1) * share)];
    const { code, stdout, stderr } = await runNode(t, [simulate, ...range.map(String)]).ended;
    assert.equal(code, 0, stderr);
    for (const [name, count] of Object.entries(JSON.parse(stdout) as Record<string, number>)) {
      totals[name] = (totals[name] ?? 0) + count;
    }
  });
  await Promise.all(runs);
  t.diagnostic(JSON.stringify(totals));
  for (const met of [
    'deaths',
    'answered',
    'replaced',
    'client-gone',
    'deadline-exceeded',
    'worker-lost',
    'internal-error',
  ]) {
    assert.ok((totals[met] ?? 0) > schedules / 100, `${met} hardly occurs: ${totals[met]}`);
  }
});

test('virtual time: events of one moment run in order, including promises; later events wait', async () => {
  const time = createVirtualTime();
  const seen: string[] = [];
  const note = (what: string) => seen.push(`${what} ${time.now()}`);
  void time.sleep(2).then(() => note('slept'));
  time.after(1, () => note('first'));
  time.after(1, () => void Promise.resolve().then(() => note('promise of the second')));
  time.after(1, () => note('third'));
  time.startTimer(() => note('closed timer'), 500).close();
  time.startTimer(() => note('timer'), 500);
  await time.runOut();
  assert.deepEqual(seen, ['timer 0.5', 'first 1', 'promise of the second 1', 'third 1', 'slept 2']);
});
