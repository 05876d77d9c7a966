// Holds the classes that packages give photographs, decoded here, to those of torchvision and onnxruntime in by_networks.py.
// Near ties may differ and are listed. See run.sh. usage: node top-1.js FOLDER
import assert from 'node:assert/strict';
import { cp, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createEngine } from '../../../src/engines/onnx.js';
import { decodeImages } from '../../../src/packages/golden-images.js';
import { logitsOf } from '../../../src/packages/golden-outputs.js';
import { importPackage } from '../../../src/packages/import.js';
import { loadPackage, type ModelPackage, readNetwork } from '../../../src/packages/package.js';
import { editManifest } from '../../support/packages/packages.js';

interface Expected {
  /** Paths relative to the folder. */
  readonly photos: readonly string[];
  readonly networks: readonly {
    /** Name of a file in networks/. */
    readonly network?: string;
    /** Folder of a shipped package. */
    readonly package?: string;
    /** Of the final exit: [photos][classes]. */
    readonly logits: readonly (readonly number[])[];
    /** By photo: how much a logit moves with pixels that are preprocessed slightly otherwise. */
    readonly moved: readonly number[];
  }[];
}

const [folder = ''] = process.argv.slice(2);
const engine = createEngine();
const expected: Expected = JSON.parse(await readFile(join(folder, 'expected-networks.json'), 'utf8'));
const photos = await Promise.all(
  expected.photos.map(async (name) => ({ name, bytes: await readFile(join(folder, name)) })),
);
/** By what is done to them. */
const decoded = new Map<string, Promise<Uint8Array[]>>();
const ties: string[] = [];
let compared = 0;
for (const { network, package: shipped, logits, moved } of expected.networks) {
  const made = shipped === undefined ? await imported(network ?? '', logits) : await redescribed(shipped);
  const { input, name } = made.manifest;
  const given = await (decoded.get(JSON.stringify(input)) ?? decode(made));
  const graph = readNetwork(await readFile(join(made.directory, 'model.onnx')), made.manifest);
  const answers = await logitsOf(engine, graph, input, given);
  const classes = new Set<number>();
  for (const [photo, row] of logits.entries()) {
    const [theirs, ours] = [largest(row), largest(answers[photo]?.at(-1) ?? [])];
    classes.add(theirs);
    compared++;
    if (theirs === ours) continue;
    const margin = (row[theirs] ?? 0) - (row[ours] ?? 0);
    // One logit may rise, and the other fall.
    const possible = 2 * (moved[photo] ?? 0);
    const said =
      `${name}, ${photos[photo]?.name}: class ${ours}, not ${theirs}; ` +
      `margin ${margin.toFixed(4)}, where ${possible.toFixed(4)} is a near tie`;
    assert.ok(margin < possible, said);
    ties.push(said);
  }
  assert.ok(classes.size > 1, `${name} gives all photographs the same class`);
}
console.log(
  `${expected.networks.length} networks, ${photos.length} photographs: ${compared - ties.length} of ${compared} classes ` +
    `are those of torchvision and onnxruntime; near ties: ${ties.length}`,
);
for (const tie of ties) console.log(`  ${tie}`);

function imported(
  network: string,
  [row = []]: Expected['networks'][number]['logits'],
): Promise<ModelPackage> {
  return importPackage({
    source: join(folder, 'networks', `${network}.onnx`),
    output: join(folder, 'models'),
    force: true,
    engine,
    wishes: { classes: row.map((_, index) => `class ${index}`), preprocess: 'imagenet' },
  });
}

/** A copy of a shipped package that resizes as torchvision does, which knows no polarity. */
async function redescribed(shipped: string): Promise<ModelPackage> {
  const [name, version] = [basename(dirname(shipped)), basename(shipped)];
  const copy = join(folder, 'models', name, version);
  await cp(shipped, copy, { recursive: true });
  await editManifest(copy, (manifest) => {
    const { polarity: _, ...input } = manifest.input;
    manifest.input = { ...input, resize: 'fill', interpolation: 'bilinear', colourProfile: 'ignore' };
  });
  return loadPackage(copy);
}

function decode({ manifest: { input } }: ModelPackage): Promise<Uint8Array[]> {
  const pixels = decodeImages(photos, input);
  decoded.set(JSON.stringify(input), pixels);
  return pixels;
}

function largest(row: readonly number[]): number {
  return row.reduce(
    (best, value, index) => (value > (row[best] ?? Number.NEGATIVE_INFINITY) ? index : best),
    0,
  );
}
