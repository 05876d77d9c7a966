// Imports every exported network as a newcomer would, with rdi-serve import FILE, and holds what comes out against the
// framework that made it. Fails if the table of docs/networks.md states anything else; --write writes it. See run.sh.
// usage: node compare.js FOLDER PAGE [--write]
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs, promisify } from 'node:util';
import { setBackend } from '@tensorflow/tfjs-core';
import { createImageTensor } from '../../../src/cascade/image-tensor.js';
import type { Engine } from '../../../src/engines/engine.js';
import { messageOf } from '../../../src/foundation/errors.js';
import { extractSegment } from '../../../src/network/segments.js';
import { loadPackage, type ModelPackage, readNetwork } from '../../../src/packages/package.js';
import { softmax } from '../../../src/policies/probabilities.js';
import { engines } from '../../support/engines/engines.js';

const TOLERANCE = 1e-4;
const FLOPS_TOLERANCE = 0.01;
/** What given.py says of files that no script here has made: they are held against onnxruntime, and are not in the table. */
const GIVEN = 'given';
const HEADER = [
  '| network | from | exporter | exits | engines | FLOPs |',
  '| --- | --- | --- | --- | --- | --- |',
];
const START = '<!-- table -->';
const END = '<!-- end of table -->';

/** What export.py and its like write beside a network. */
interface Case {
  readonly source: string;
  readonly network: string;
  readonly exporter: string;
  /** uint8 [images, height, width, 3], in base64. */
  readonly pixels: string;
  /** [exits][images][classes]: logits, or probabilities where the network ends in a Softmax. */
  readonly answers: readonly (readonly (readonly number[])[])[];
  readonly areProbabilities: boolean;
  /** Of one image and every exit, as the framework's own counter has it; null: nobody has counted. */
  readonly flops: number | null;
}

interface Row {
  readonly network: string;
  readonly source: string;
  readonly exporter: string;
  readonly exits: number;
  readonly engines: string;
  readonly flops: number;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: 'boolean' } },
});
const [folder = '', page = ''] = positionals;
const cli = new URL('../../../src/cli/main.js', import.meta.url).pathname;
const run = promisify(execFile);

const rows: Row[] = [];
let lastTask: Promise<unknown> = Promise.resolve();
const failures: string[] = [];
const names = (await readdir(folder)).filter((file) => file.endsWith('.onnx')).sort();
assert.ok(names.length > 0, `${folder} holds no exported network`);
const waiting = names.map((file) => file.replace(/\.onnx$/, ''));
await Promise.all(
  Array.from({ length: 2 }, async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) await tryNetwork(name);
  }),
);
if (failures.length > 0) process.exitCode = 1;
process.stdout.write(`${rows.length} of ${names.length} exported networks answer as their frameworks do\n`);
if (failures.length === 0) await writeTable();

async function tryNetwork(name: string): Promise<void> {
  try {
    const about = JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8')) as Case;
    const row = await hold(name, about);
    rows.push(row);
  } catch (error) {
    failures.push(name);
    process.stdout.write(`FAILED ${name}: ${messageOf(error)}\n`);
  }
}

async function hold(name: string, about: Case): Promise<Row> {
  const { source, network, exporter, answers, flops } = about;
  const classes = answers[0]?.[0]?.length ?? 0;
  const labels = join(folder, `${name}-classes.txt`);
  await writeFile(labels, Array.from({ length: classes }, (_, index) => `class ${index}\n`).join(''));
  const models = join(folder, 'models');
  const flags = ['--classes', labels, '--preprocess', 'unit', '--output', models, '--force'];
  const { stdout } = await run(process.execPath, [cli, 'import', join(folder, `${name}.onnx`), ...flags]);
  const made = await loadPackage(stdout.split('\n', 1)[0] as string);

  const { exits } = made.manifest;
  assert.equal(exits.length, answers.length, 'every exit is found');
  const counted = exits.at(-1)?.flops.cumulative ?? 0;
  const isRight = flops === null || Math.abs(counted / flops - 1) <= FLOPS_TOLERANCE;
  assert.ok(isRight, `${counted} FLOPs, where the counter has ${flops}`);
  const only = /^Only the engine onnx can run this network.*$/m.exec(stdout)?.[0];
  const able = engines.filter(({ name: engine, skip }) => !skip && (engine === 'onnx' || !only));
  const differences: string[] = [];
  for (const engine of able) {
    const difference = await alone(async () => {
      const created = await engine.create();
      if (engine.name !== 'onnx') await setBackend(engine.name);
      return largestDifference(created, made, about);
    });
    assert.ok(difference <= TOLERANCE, `${engine.name} is off by ${difference}`);
    differences.push(`${engine.name} ${difference.toExponential(1)}`);
  }
  process.stdout.write(`${name}: ${differences.join(', ')}; FLOPs ${counted} (${flops})\n`);
  if (only) process.stdout.write(`  ${only}\n`);
  return { source, network, exporter, exits: exits.length, engines: only ? 'onnx' : 'all', flops: counted };
}

/** Runs one task after the other: wasm and tensorflow share the backend of TensorFlow.js in a thread. */
function alone<Result>(task: () => Promise<Result>): Promise<Result> {
  const result = lastTask.then(task);
  lastTask = result.catch(() => undefined);
  return result;
}

/** Between the answers of every exit, run stage by stage, and the framework's. */
async function largestDifference(
  engine: Engine,
  made: ModelPackage,
  { pixels, answers, areProbabilities }: Case,
): Promise<number> {
  const { manifest, directory } = made;
  const network = readNetwork(await readFile(join(directory, 'model.onnx')), manifest);
  const stages = manifest.exits.map((_, to) => extractSegment(network, { from: to - 1, to }));
  const segments = await engine.load(stages);
  let worst = 0;
  let values = createImageTensor(manifest.input, engine.imageLayout)(Buffer.from(pixels, 'base64'));
  for (const [exit, segment] of segments.entries()) {
    const expected = answers[exit] ?? [];
    const output = await segment.run(values, expected.length);
    expected.forEach((row, image) => {
      const logits = output.logits.subarray(image * row.length, (image + 1) * row.length);
      const answer = areProbabilities ? softmax(logits) : logits;
      row.forEach((value, index) => {
        worst = Math.max(worst, Math.abs(value - (answer[index] ?? Number.NaN)));
      });
    });
    if (Number.isNaN(worst)) return worst;
    values = output.cut ?? values;
  }
  for (const segment of segments) await segment.release();
  return worst;
}

function keyOf({ source, network, exporter }: Row): string {
  return [source, network, exporter].join('\n').toLowerCase();
}

async function writeTable(): Promise<void> {
  const text = await readFile(page, 'utf8');
  const [before, rest = ''] = text.split(START);
  const [, after = ''] = rest.split(END);
  const lines = rows
    .filter(({ source }) => source !== GIVEN)
    .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
    .map(
      (row) =>
        `| ${row.network} | ${row.source} | ${row.exporter} | ${row.exits} | ${row.engines} | ${row.flops.toLocaleString('en')} |`,
    );
  if (values.write) {
    const table = [...HEADER, ...lines].join('\n');
    await writeFile(page, `${before}${START}\n${table}\n${END}${after}`);
    return;
  }
  const stated = (rest.split(END)[0] ?? '').trim().split('\n').slice(HEADER.length);
  assert.deepEqual(
    stated.filter((line) => !lines.includes(line)),
    [],
    `${page} states what is not so: run test/packages/frameworks/run.sh --write`,
  );
  for (const line of lines) if (!stated.includes(line)) process.stdout.write(`not in the table: ${line}\n`);
}
