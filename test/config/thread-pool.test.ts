// The thread pool's size: as many threads as cores, at least four, unless the environment says otherwise.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { availableCores } from '../../src/config/available-cores.js';
import type { Scope } from '../support/scope.js';
import { runNode } from '../support/service/serve-process.js';

const module = new URL('../../src/config/thread-pool.js', import.meta.url).href;
const own = Math.max(4, availableCores());

async function outputOf(
  scope: Scope,
  program: string,
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  const { code, stdout, stderr } = await runNode(
    scope,
    ['--input-type=module', '--eval', program],
    environment,
  ).ended;
  assert.deepEqual([code, stderr], [0, '']);
  return stdout.trim();
}

const cases: [string, Record<string, string>, number][] = [
  ['without the variable: one for each core, at least four', {}, own],
  ['an empty variable counts as unset', { UV_THREADPOOL_SIZE: '' }, own],
  ['the environment’s own variable counts', { UV_THREADPOOL_SIZE: '7' }, 7],
];

for (const [name, environment, size] of cases) {
  test(name, async (t) => {
    const program = `import ${JSON.stringify(module)}; console.log(process.env.UV_THREADPOOL_SIZE);`;
    assert.equal(await outputOf(t, program, environment), `${size}`);
  });
}

/** The pool is made when something is first given to it. Each of its threads is one of the process's. */
const countThreads = `
  import ${JSON.stringify(module)};
  import { readdirSync } from 'node:fs';
  import { stat } from 'node:fs/promises';
  const threads = () => readdirSync('/proc/self/task').length;
  const before = threads();
  await stat('/');
  console.log(threads() - before);`;

const cannotCount =
  process.platform !== 'linux'
    ? 'threads are counted in /proc, which Linux has'
    : Number(process.versions.node.split('.')[0]) < 22 && 'Node 20 makes the pool before it runs the program';

for (const [name, environment, size] of cases) {
  test(`threads that are there: ${name}`, { skip: cannotCount }, async (t) => {
    assert.equal(await outputOf(t, countThreads, environment), `${size}`);
  });
}
