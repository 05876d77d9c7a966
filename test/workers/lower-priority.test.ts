// Workers give way to the event loop.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import process from 'node:process';
import { test } from 'node:test';
import { startPool } from '../support/service/pool.js';

/** The nice values of the threads of this process, by thread id. */
function niceValues(): Map<number, number> {
  const folder = '/proc/self/task';
  return new Map(
    readdirSync(folder).map((thread) => {
      const stat = readFileSync(`${folder}/${thread}/stat`, 'latin1');
      // The name of the thread, in brackets, may hold spaces. Behind it are the fields from the third on; nice is the 19th.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return [Number(thread), Number(fields[19 - 3])];
    }),
  );
}

test('the threads of workers have a higher nice value; the event loop keeps its own', async (t) => {
  if (process.platform !== 'linux') return t.skip('threads have nice values of their own on Linux only');
  const before = niceValues();
  const own = getPriority();
  await startPool(t, { size: 2 });
  const started = [...niceValues()].filter(([thread]) => !before.has(thread)).map(([, nice]) => nice);
  const expected = Math.min(own + 5, 19);
  assert.equal(started.filter((nice) => nice === expected).length >= 2, true, `${started}`);
  assert.equal(niceValues().get(process.pid), own);
});
