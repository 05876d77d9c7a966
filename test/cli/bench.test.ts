import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compareEngines } from '../../bench/command/engines.js';
import type { EnginesDocument } from '../../bench/command/engines-report.js';
import type { BenchDocument } from '../../bench/command/report.js';
import { createEngine } from '../../src/engines/onnx.js';
import { decodeModel, encodeModel } from '../../src/onnx/proto.js';
import { importPackage } from '../../src/packages/import.js';
import { engines } from '../support/engines/engines.js';
import { writeTestExport, writeTestPackage } from '../support/packages/network.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { withoutProgress } from '../support/without-progress.js';

const main = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));

function run(...options: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, 'bench', ...options], (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

test('bench measures engine and service of the same model and writes the figures down', async () => {
  const root = temporaryFolder();
  const [models, json] = [join(root, 'models'), join(root, 'bench.json')];
  const profiles = { half: { policy: 'entropy' as const, thresholds: [null, 0.6] } };
  await writeTestPackage(models, { calibration: { formatVersion: 1, defaultProfile: 'half', profiles } });

  const short = ['--seconds', '0.1', '--rounds', '1', '--workers', '2', '--connections', '4'];
  const { code, stdout, stderr } = await run('tiny/1', '--models', models, '--json', json, ...short);
  assert.deepEqual([code, withoutProgress(stderr)], [0, '']);
  assert.match(stdout, /HTTP, saturated/);

  const { settings, models: benched } = JSON.parse(await readFile(json, 'utf8')) as BenchDocument;
  assert.deepEqual(settings, { workers: 2, connections: 4, seconds: 0.1, rounds: 1 });
  assert.deepEqual(
    benched.map(({ model, profiles: of }) => [model, of.map(({ profile }) => profile)]),
    [['tiny/1', ['full', 'half']]],
  );
  for (const { raw, http, idle } of benched[0]?.profiles ?? []) {
    assert.deepEqual(
      raw.map(({ workers, batch }) => [workers, batch]),
      [
        [1, 1],
        [1, 8],
        [2, 1],
        [2, 8],
      ],
    );
    const figures = [
      ...raw.flatMap((one) => [one.imagesPerSecond, one.medianMs, one.p99Ms, one.cpuMs]),
      ...[http.requestsPerSecond, http.serverCpuMs, http.clientCpuMs, http.meanBatch, http.eventLoopP99Ms],
      ...[http.timingMs.decode, http.timingMs.infer, http.timingMs.total, idle.medianMs, idle.p99Ms],
    ];
    for (const figure of figures) assert.ok(figure > 0, `${figure} is no measurement`);
    assert.equal(http.failed, 0);
    const fastest = Math.max(...raw.map(({ imagesPerSecond }) => imagesPerSecond));
    assert.equal(http.shareOfRaw, http.requestsPerSecond / fastest);
    assert.equal(idle.addedMs, idle.medianMs - (raw[0]?.medianMs ?? 0));
  }
});

test('more connections than the server has places for: what it did not answer is counted, said, and an error', async () => {
  const root = temporaryFolder();
  const [models, json] = [join(root, 'models'), join(root, 'bench.json')];
  // Slow enough that places run out before answers make room for others.
  await writeTestPackage(models, { size: 64, width: 64 });
  const short = ['--seconds', '0.5', '--rounds', '1', '--workers', '1', '--connections', '1000'];
  const { code, stdout, stderr } = await run('--models', models, '--json', json, ...short);
  assert.equal(code, 1);
  assert.match(stdout, /HTTP, saturated/);
  const { models: benched } = JSON.parse(await readFile(json, 'utf8')) as BenchDocument;
  const failed = benched[0]?.profiles.reduce((sum, { http }) => sum + http.failed, 0);
  assert.equal(withoutProgress(stderr), `Of the requests, ${failed} were not answered with a prediction.\n`);
});

test('bench --engines takes no settings of the service', async () => {
  for (const [option, value] of Object.entries({ engine: 'onnx', workers: '2', connections: '8' })) {
    const { code, stdout, stderr } = await run('--engines', `--${option}`, value);
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, new RegExp(`'--engines' cannot be used with option '--${option} `));
  }
});

test('bench --engines measures every engine that is there, and names those that are not', async () => {
  const root = temporaryFolder();
  const json = join(root, 'engines.json');
  await writeTestPackage(join(root, 'models'), {});
  const short = ['--seconds', '0.1', '--rounds', '1', '--models', join(root, 'models'), '--json', json];
  const { code, stdout } = await run('--engines', ...short);
  assert.equal(code, 0);
  const [compared] = (JSON.parse(await readFile(json, 'utf8')) as EnginesDocument).models;
  assert.ok(compared);
  const there = engines.filter(({ skip }) => !skip).map(({ name }) => name);
  const measured = compared.figures.map(({ engine, batch }) => `${engine} ${batch}`);
  assert.deepEqual(measured.toSorted(), there.flatMap((name) => [`${name} 1`, `${name} 8`]).toSorted());
  for (const { imagesPerSecond, medianMs, p99Ms, cpuMs } of compared.figures) {
    for (const figure of [imagesPerSecond, medianMs, p99Ms, cpuMs]) assert.ok(figure > 0);
  }
  assert.deepEqual(
    compared.missing.map(({ engine }) => engine),
    engines.filter(({ skip }) => skip).map(({ name }) => name),
  );
  for (const name of there) assert.match(stdout, new RegExp(`^${name} \\(cpu\\) `, 'm'));
});

test('bench --engines passes over an engine that cannot run the network, and says why', async () => {
  const [source, models] = [temporaryFolder(), temporaryFolder()];
  await writeTestExport(source);
  const graph = join(source, 'model.onnx');
  const model = decodeModel(await readFile(graph));
  // It has no TensorFlow form, and so none for WebAssembly.
  const relu = model.graph?.node.findLast(({ opType }) => opType === 'Relu') ?? assert.fail('no Relu');
  relu.opType = 'ThresholdedRelu';
  await writeFile(graph, encodeModel(model));
  await importPackage({ source, output: models, force: false, engine: createEngine() });

  const json = join(models, 'engines.json');
  const short = ['--seconds', '0.1', '--rounds', '1', '--models', models, '--json', json];
  const { code, stdout, stderr } = await run('--engines', ...short);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^The engine wasm cannot run this network: .* none for ThresholdedRelu\.$/m);
  const [compared] = (JSON.parse(await readFile(json, 'utf8')) as EnginesDocument).models;
  assert.deepEqual(
    compared?.figures.map(({ engine, batch }) => `${engine} ${batch}`),
    ['onnx 1', 'onnx 8'],
  );
  assert.deepEqual(
    compared?.missing.map(({ engine }) => engine),
    ['tensorflow', 'wasm'],
  );
});

test('what no engine can run is an error, the network’s before that of an engine that is not there', async () => {
  const made = await writeTestPackage(temporaryFolder());
  const segments = made.segments.map((one) => ({ ...one, graph: new Uint8Array() }));
  const settings = { seconds: 0.1, rounds: 1 };
  await assert.rejects(
    compareEngines({ ...made, segments }, settings, () => assert.fail('nothing is measured')),
    (error: Error) => error.name !== 'UsageError',
  );
});

test('a model, or a folder to read or to write to, that is not there is one sentence', async () => {
  const models = temporaryFolder();
  assert.match(
    (await run('--models', models)).stderr,
    /^rdi-serve: There is no model that can be benched\.\n$/,
  );
  assert.match(
    (await run('--models', join(models, 'none'))).stderr,
    /^rdi-serve: The models folder .*cannot be read/,
  );
  await writeTestPackage(models, {});
  for (const json of [join(models, 'missing', 'out.json'), models, '']) {
    const { stdout, stderr } = await run('--models', models, '--json', json);
    assert.equal(stdout, '', 'nothing was measured');
    assert.match(stderr, /^rdi-serve: ".*" cannot be written: .*\n$/);
  }
  assert.match(
    (await run('huge', '--models', models)).stderr,
    /^rdi-serve: There is no model huge that can be benched; these can: tiny\/1\.\n$/,
  );
  assert.match(
    (await run('--models', models, '--workers', '257')).stderr,
    /^rdi-serve: --workers .*cannot be "257": .*256\.\n$/,
  );
  await appendFile(join(models, 'tiny', '1', 'model.onnx'), 'x');
  assert.match(
    (await run('tiny', '--models', models)).stderr,
    /^rdi-serve: There is no model that can be benched\. tiny\/1: model\.onnx has .*\n$/,
  );
});
