// The command as a whole, without Python: peers that cannot be had are named, and this server is measured all the same.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { peers, requirementsFile, titleOf } from '../../../bench/peers/peer-list.js';
import { writePlainNetwork } from '../../../bench/peers/plain-network.js';
import type { Comparison } from '../../../bench/peers/report.js';
import { readGraph } from '../../../src/onnx/graph.js';
import { writeProfiledPackage } from '../../support/packages/profiled-package.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const script = fileURLToPath(new URL('../../../bench/peers/compare.js', import.meta.url));
const onLinux = { skip: process.platform !== 'linux', timeout: 60_000 };

test('peers that cannot be had are named and fail the command, unless that is meant', onLinux, async () => {
  const [models, folder] = [temporaryFolder(), temporaryFolder()];
  await writeProfiledPackage(models);
  const json = join(folder, 'figures.json');
  const short = ['--rounds', '1', '--seconds', '0.2', '--workers', '1', '--connections', '2', '--json', json];
  const nowhere = ['--environment', join(folder, 'venv'), '--python', join(folder, 'no-python')];
  const run = (...more: string[]) =>
    promisify(execFile)(process.execPath, [
      script,
      'tiny',
      '--models',
      models,
      ...short,
      ...nowhere,
      ...more,
    ]);

  await assert.rejects(
    run('--peers', 'mosec,fastapi'),
    ({ code, stdout }: { code: number; stdout: string }) => {
      assert.equal(code, 1);
      assert.match(stdout, /\n\| rdi-serve full \| \d+ \| 1\.00 \| .*\| 0 \|\n/);
      assert.match(stdout, /\nLeft out: mosec: .*ENOENT\n\nLeft out: fastapi: .*ENOENT\n$/);
      return true;
    },
  );
  const { settings, missing, tables } = JSON.parse(readFileSync(json, 'utf8')) as Comparison;
  assert.equal(settings.against, 'rdi-serve full');
  assert.equal(missing.length, 2);
  const [figures] = tables[0]?.figures ?? [];
  assert.ok(figures && figures.requestsPerSecond > 0 && figures.cpuMs > 0 && figures.memory.bytes > 2 ** 20);

  const { stdout } = await run('--peers', 'mosec', '--skip-missing', '--busy', '--profile', 'full');
  assert.equal(stdout.match(/^\| rdi-serve full /gm)?.length, 2);
  assert.equal(stdout.match(/^\| rdi-serve /gm)?.length, 2, 'no other profile');
  await assert.rejects(
    run('--peers', 'mosec', '--profile', 'full', 'slow'),
    /tiny has no profile slow, only /,
  );
});

test('peers serve the segment of the profile full', async () => {
  const folder = temporaryFolder();
  const { package: made } = await writeProfiledPackage(temporaryFolder());
  await writePlainNetwork(made, folder);
  const { classes, input, exits } = made.manifest;
  const last = exits.at(-1)?.logits;
  const described: unknown = JSON.parse(readFileSync(join(folder, 'network.json'), 'utf8'));
  assert.deepEqual(described, { classes, input, logits: last });
  const graph = readGraph(readFileSync(join(folder, 'network.onnx')));
  assert.deepEqual([...graph.inputs.keys()], [input.tensor]);
  assert.deepEqual(
    graph.model.graph?.output?.map(({ name }) => name),
    [last],
  );
});

test('every requirement is pinned exactly, those of every peer among them', async () => {
  const lines = readFileSync(requirementsFile, 'utf8').split('\n');
  const pins = lines.filter((line) => line !== '' && !line.startsWith('#'));
  for (const pin of pins) assert.match(pin, /^[\w.-]+==\d[\w.]*$/);
  for (const peer of peers) {
    assert.match(await titleOf(peer), /^[a-z]+ \d/);
    for (const needed of peer.packages)
      assert.ok(
        pins.some((pin) => pin.startsWith(`${needed}==`)),
        needed,
      );
  }
});
