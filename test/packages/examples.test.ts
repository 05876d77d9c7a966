// What a package says of the images that it expects: taken over by import, checked whenever it is loaded.
import assert from 'node:assert/strict';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createEngine } from '../../src/engines/onnx.js';
import { MOST_EXAMPLE_BYTES } from '../../src/format/expectation.js';
import type { Manifest } from '../../src/format/manifest.js';
import { importPackage } from '../../src/packages/import.js';
import type { Wishes } from '../../src/packages/importing/propose.js';
import { loadPackage } from '../../src/packages/package.js';
import { isSameNetwork } from '../../src/packages/same-network.js';
import { textured } from '../support/images/images.js';
import { buildTestNetwork, writeTestExport } from '../support/packages/network.js';
import { editManifest, readJson, writeListed } from '../support/packages/packages.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const expects = 'A texture, seen from above.';
const examples = [
  { file: 'a-wave.png', label: 'class 3', description: 'A wave' },
  { file: 'dunes.jpg', label: 'class 1' },
];
const [png, jpeg] = await Promise.all([
  textured(20, 20, 3).png().toBuffer(),
  textured(30, 20, 3).jpeg().toBuffer(),
]);
const engine = createEngine();
const source = join(temporaryFolder(), 'export');
const described = await writeTestExport(source, { size: 8, width: 4 });
await writeFile(join(source, 'description.json'), JSON.stringify({ ...described, expects, examples }));
await mkdir(join(source, 'examples'));
await writeFile(join(source, 'examples', 'a-wave.png'), png);
await writeFile(join(source, 'examples', 'dunes.jpg'), jpeg);
const output = temporaryFolder();
const made = await importPackage({ source, output, force: false, engine });

const importAlone = async (wishes: Wishes) => {
  const folder = temporaryFolder();
  const file = join(folder, 'net.onnx');
  await writeFile(file, buildTestNetwork({ size: 8, width: 4 }).model);
  const usual = { classes: described.classes, preprocess: 'unit' };
  return importPackage({
    source: file,
    output: join(folder, 'models'),
    force: false,
    engine,
    wishes: { ...usual, ...wishes },
  });
};

describe('an import', () => {
  it('takes over the sentence and the images that a description names', async () => {
    const { manifest, examples: loaded } = await loadPackage(made.directory);
    assert.equal(manifest.expects, expects);
    assert.deepEqual(manifest.examples, examples);
    assert.deepEqual(
      loaded.map(({ bytes, ...rest }) => ({ ...rest, bytes: Buffer.from(bytes) })),
      [
        { ...examples[0], mediaType: 'image/png', bytes: png },
        { ...examples[1], mediaType: 'image/jpeg', bytes: jpeg },
      ],
    );
    assert.ok('examples/a-wave.png' in manifest.files);
  });

  it('takes what the user gives in place of it, of a file alone too', async () => {
    const given = [
      { name: 'Class 3/A photo.JPG', label: 'class 3', mediaType: 'image/jpeg', bytes: jpeg },
      { name: 'Class 3/b.png', label: 'class 3', mediaType: 'image/png', bytes: png },
    ] as const;
    const wishes = { expects: 'Another sentence.', examples: given };
    for (const { manifest, directory } of [
      await importAlone(wishes),
      await importPackage({ source, output: temporaryFolder(), force: false, engine, wishes }),
    ]) {
      assert.equal(manifest.expects, 'Another sentence.');
      assert.deepEqual(manifest.examples, [
        { file: 'class-3-1.jpg', label: 'class 3' },
        { file: 'class-3-2.png', label: 'class 3' },
      ]);
      assert.deepEqual(await readFile(join(directory, 'examples', 'class-3-1.jpg')), jpeg);
      assert.ok(!('examples/a-wave.png' in manifest.files));
    }
  });

  it('names an image that is missing, of no class, or none', async () => {
    const copy = join(temporaryFolder(), 'export');
    await cp(source, copy, { recursive: true });
    await rm(join(copy, 'examples', 'dunes.jpg'));
    await assert.rejects(importPackage({ source: copy, output: temporaryFolder(), force: false, engine }), {
      message: 'examples/dunes.jpg is missing.',
    });
    const odd = { name: 'x', label: 'dunes', mediaType: 'image/png', bytes: png } as const;
    await assert.rejects(importAlone({ examples: [odd] }), {
      message: '--examples: "x" lies in a folder named "dunes", which is none of the classes.',
    });
    const text = { ...odd, label: 'class 1', bytes: Buffer.from('no image') };
    await assert.rejects(importAlone({ examples: [text] }), {
      message: /^examples\/class-1-1\.png: The bytes /,
    });
  });
});

/** Of the package above, each refused in one sentence. */
const faults: Record<string, { damage: (directory: string) => Promise<unknown>; message: RegExp }> = {
  'has an example that is not listed': {
    damage: (directory) =>
      editManifest(directory, (manifest) => {
        delete manifest.files['examples/dunes.jpg'];
      }),
    message: /^manifest\.json does not list examples\/dunes\.jpg\.$/,
  },
  'has a changed example': {
    damage: (directory) => writeFile(join(directory, 'examples/a-wave.png'), Buffer.alloc(png.length)),
    message: /^examples\/a-wave\.png is damaged/,
  },
  'has a large example': {
    damage: (directory) =>
      writeListed(directory, 'examples/a-wave.png', Buffer.alloc(MOST_EXAMPLE_BYTES + 1)),
    message: /^examples\/a-wave\.png has 131073 bytes; an example may have 131072\.$/,
  },
  'has an example that cannot be decoded': {
    damage: (directory) => writeListed(directory, 'examples/a-wave.png', png.subarray(0, 60)),
    message: /^examples\/a-wave\.png: The (PNG )?image/,
  },
  'has a JPEG that is named as a PNG': {
    damage: (directory) => writeListed(directory, 'examples/a-wave.png', jpeg),
    message: /^examples\/a-wave\.png: The image is declared as image\/png but is a JPEG image/,
  },
  'has an example of no class': {
    damage: edited({ examples: [{ file: 'dunes.jpg', label: 'dunes' }] }),
    message: /^manifest\.json: \/examples\/0\/label is "dunes", which is none of the classes\.$/,
  },
  'has an example twice': {
    damage: edited({ examples: [examples[0], examples[0]] }),
    message: /^manifest\.json names the example a-wave\.png twice\.$/,
  },
  'has an example outside its folder': {
    damage: edited({ examples: [{ file: '../model.png', label: 'class 1' }] }),
    message: /^manifest\.json: \/examples\/0\/file /,
  },
  'expects nothing in so many words': {
    damage: edited({ expects: '' }),
    message: /^manifest\.json: \/expects /,
  },
  'lists an image that is no example': {
    damage: (directory) => writeFile(join(directory, 'examples/more.png'), png),
    message: /^examples\/more\.png is not listed in manifest\.json\.$/,
  },
};

function edited(patch: object): (directory: string) => Promise<void> {
  return (directory) => editManifest(directory, (manifest) => Object.assign(manifest, patch));
}

describe('a package is refused that', () => {
  for (const [fault, { damage, message }] of Object.entries(faults)) {
    it(fault, async () => {
      const directory = join(temporaryFolder(), 'tiny', '1');
      await cp(made.directory, directory, { recursive: true });
      await damage(directory);
      await assert.rejects(loadPackage(directory), { name: 'PackageError', message });
    });
  }
});

it('another example makes another package of the served one, so that it is loaded', async () => {
  const manifest = await readJson<Manifest>(join(made.directory, 'manifest.json'));
  const entry = manifest.files['examples/dunes.jpg'];
  assert.ok(entry);
  const files = { ...manifest.files, 'examples/dunes.jpg': { ...entry, sha256: '0'.repeat(64) } };
  assert.equal(isSameNetwork(manifest, { ...manifest }), true);
  assert.equal(isSameNetwork(manifest, { ...manifest, files }), false);
});
