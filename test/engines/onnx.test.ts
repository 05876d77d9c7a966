import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { createEngine } from '../../src/engines/onnx.js';
import { buildTestNetwork } from '../support/packages/network.js';
import { temporaryFolder } from '../support/temporary-folder.js';

test('a graph that is none is refused with the runtime’s words', async () => {
  const source = { from: -1, to: 0, input: 'image', inputShape: [1], logits: 'logits' };
  await assert.rejects(createEngine().load([{ ...source, graph: Uint8Array.of(1, 2, 3) }]), /protobuf/i);
});

test('the runtime reports to nobody, whether it is loaded in the main thread or in a worker', async () => {
  const home = temporaryFolder();
  const graph = join(home, 'model.onnx');
  await writeFile(graph, buildTestNetwork({}).model);
  const engine = JSON.stringify(new URL('../../src/engines/onnx.js', import.meta.url).href);
  const use = `
    const { createEngine } = await import(${engine});
    const { readFileSync } = await import('node:fs');
    const graph = readFileSync(${JSON.stringify(graph)});
    await createEngine().load([{ from: -1, to: 0, input: 'image', inputShape: [1], logits: 'logits', graph }]);`;
  const worker = `
    import { SHARE_ENV, Worker } from 'node:worker_threads';
    new Worker(new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(use)})), { env: SHARE_ENV });`;
  for (const script of [use, worker]) {
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      env: { PATH: process.env['PATH'], HOME: home },
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    assert.deepEqual(await readdir(home), ['model.onnx'], 'no device id, no store of events');
  }
});
