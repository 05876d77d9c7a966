// CPU time, memory and membership of a process tree, against real processes that count their own CPU time.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startNeighbours } from '../../bench/load/neighbours.js';
import {
  killMembers,
  pauseTree,
  processTree,
  resumeTree,
  survivors,
  treeCpuSeconds,
  treeMemory,
} from '../../bench/load/process-tree.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const onLinux = { skip: process.platform !== 'linux', timeout: 30_000 };
/** The kernel rounds user and system time of a process down to a hundredth each. */
const ROUNDING_SECONDS = 0.02;

/** A parent that passes on what its child says. A child burns CPU time, says how much, and ends when it hears anything. */
async function startTree(t: TestContext, burnSeconds: number) {
  const script = join(temporaryFolder(), 'tree.mjs');
  await writeFile(
    script,
    `import { spawn } from 'node:child_process';
const burnt = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e6; };
if (process.argv[2] === 'child') {
  while (burnt() < ${burnSeconds});
  console.log(burnt());
  process.stdin.once('data', () => process.exit());
  setInterval(() => {}, 1000);
} else {
  const child = spawn(process.execPath, [process.argv[1], 'child'], { stdio: ['inherit', 'inherit', 'inherit'] });
  child.once('exit', () => { console.log('buried'); setInterval(() => {}, 1000); });
}
`,
  );
  const child = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const pid = child.pid as number;
  t.after(() => killMembers(processTree(pid)));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => String((await lines.next()).value);
  return { child, pid, next };
}

test('a child’s CPU time counts while it lives and after it was buried', onLinux, async (t) => {
  const { child, pid, next } = await startTree(t, 0.4);
  const burnt = Number(await next());
  assert.ok(burnt >= 0.4);
  const [parent, grandchild, ...others] = processTree(pid);
  assert.equal(parent?.pid, pid);
  assert.ok(grandchild && grandchild.cpuSeconds >= burnt - ROUNDING_SECONDS);
  assert.deepEqual(others, []);
  assert.ok((parent?.cpuSeconds ?? 1) < burnt, 'the parent did not burn anything');
  const alive = treeCpuSeconds(pid);
  assert.ok(alive >= burnt - ROUNDING_SECONDS);

  child.stdin.write('end\n');
  assert.equal(await next(), 'buried');
  assert.equal(processTree(pid).length, 1);
  assert.ok(treeCpuSeconds(pid) >= alive - ROUNDING_SECONDS);
});

test('memory is that of all members', onLinux, async (t) => {
  const { child, pid, next } = await startTree(t, 0);
  await next();
  const both = treeMemory(pid);
  child.stdin.write('end\n');
  await next();
  const one = treeMemory(pid);
  assert.equal(both.kind, one.kind);
  assert.ok(one.bytes > 2 ** 20, `${one.bytes}`);
  assert.ok(both.bytes > 1.2 * one.bytes, `${both.bytes}, ${one.bytes}`);
});

test('who is paused takes no CPU time until it goes on', onLinux, async (t) => {
  const { pid } = await startTree(t, 1000);
  while (processTree(pid).length < 2) await sleep(10);
  pauseTree(pid);
  await sleep(50);
  const paused = treeCpuSeconds(pid);
  await sleep(300);
  assert.equal(treeCpuSeconds(pid), paused);
  resumeTree(pid);
  while (treeCpuSeconds(pid) <= paused) await sleep(10);
});

test('members are killed though their parent has gone, and nobody else is', onLinux, async (t) => {
  const { child, pid, next } = await startTree(t, 0);
  await next();
  const members = processTree(pid);
  assert.equal(members.length, 2);
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
  assert.deepEqual(processTree(pid), []);
  assert.equal(survivors(members).length, 1);
  killMembers(members.map((one) => ({ ...one, startTicks: one.startTicks + 1 })));
  await sleep(50);
  assert.equal(survivors(members).length, 1, 'a later process of the same number is another');
  killMembers(members);
  while (survivors(members).length > 0) await sleep(10);
});

test('neighbours are there until they are stopped', onLinux, async () => {
  const before = processTree(process.pid).length;
  const neighbours = startNeighbours(2);
  const idle = treeCpuSeconds(process.pid);
  assert.equal(processTree(process.pid).length, before + 2);
  while (treeCpuSeconds(process.pid) < idle + 0.1) await sleep(10);
  await neighbours.stop();
  assert.equal(processTree(process.pid).length, before);
});
