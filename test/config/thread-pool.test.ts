// The thread pool's size: as many threads as cores, at least four, unless the environment says otherwise.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { availableCores } from '../../src/config/available-cores.js';
import type { Scope } from '../support/scope.js';
import { runNode } from '../support/service/serve-process.js';

const module = new URL('../../src/config/thread-pool.js', import.meta.url).href;
const program = `import ${JSON.stringify(module)}; console.log(process.env.UV_THREADPOOL_SIZE);`;

async function sizeIn(scope: Scope, environment: Record<string, string>): Promise<number> {
  const { stdout } = await runNode(scope, ['--input-type=module', '--eval', program], environment).ended;
  return Number(stdout);
}

test('without the variable: one for each core, at least four', async (t) => {
  assert.equal(await sizeIn(t, {}), Math.max(4, availableCores()));
});

test('the environment’s own variable counts', async (t) => {
  assert.equal(await sizeIn(t, { UV_THREADPOOL_SIZE: '7' }), 7);
});
