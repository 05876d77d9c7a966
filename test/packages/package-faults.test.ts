// Packages with one fault each: every one is refused in one sentence that names the file and the fault.
import assert from 'node:assert/strict';
import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { GoldenDocument } from '../../src/format/golden.js';
import type { Manifest } from '../../src/format/manifest.js';
import type { CalibrationDocument } from '../../src/format/profiles.js';
import { PackageError } from '../../src/foundation/errors.js';
import { loadPackage } from '../../src/packages/package.js';
import { buildTestNetwork, writeTestPackage } from '../support/packages/network.js';
import { editManifest, readJson, writeListed } from '../support/packages/packages.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const options = { size: 8, width: 4, exits: 3 };
const calibration: CalibrationDocument = {
  formatVersion: 1,
  defaultProfile: 'balanced',
  profiles: {
    balanced: { policy: 'entropy', thresholds: [0.5, 0.5] },
  },
};

const folder = temporaryFolder();
const { directory: sound } = await writeTestPackage(folder, { ...options, calibration });

type Damage = (directory: string) => Promise<unknown>;

const manifest =
  (change: (manifest: Manifest) => void): Damage =>
  (directory) =>
    editManifest(directory, change);

const unchecked =
  (patch: object): Damage =>
  (directory) =>
    editManifest(directory, (document) => Object.assign(document, patch));

const profiles =
  (patch: object): Damage =>
  (directory) =>
    writeListed(directory, 'calibration.json', JSON.stringify({ ...calibration, ...patch }));

const thresholds = (policy: string, values: unknown[]): Damage =>
  profiles({ profiles: { balanced: { policy, thresholds: values } } });

const golden =
  (change: (golden: GoldenDocument) => void): Damage =>
  async (directory) => {
    const document = await readJson<GoldenDocument>(join(directory, 'golden.json'));
    change(document);
    await writeListed(directory, 'golden.json', JSON.stringify(document));
  };

const faults: Record<string, { damage: Damage; message: RegExp }> = {
  'has no manifest': {
    damage: (directory) => rm(join(directory, 'manifest.json')),
    message: /^manifest\.json is missing\.$/,
  },
  'has a manifest that is no JSON': {
    damage: (directory) => writeFile(join(directory, 'manifest.json'), '{'),
    message: /^manifest\.json is not JSON: /,
  },
  'has a manifest that is a list': {
    damage: (directory) => writeFile(join(directory, 'manifest.json'), '[]'),
    message: /^manifest\.json: the document must be object\.$/,
  },
  'is of a later format': {
    damage: unchecked({ formatVersion: 2 }),
    message: /^manifest\.json has formatVersion 2, newer than the 1 that this rdi-serve reads; upgrade it\.$/,
  },
  'is of no format': {
    damage: unchecked({ formatVersion: 0 }),
    message: /^manifest\.json: \/formatVersion must be 1\.$/,
  },
  'has an entry nobody knows': {
    damage: unchecked({ colour: 'red' }),
    message: /^manifest\.json: the document has the unknown entry colour\.$/,
  },
  'has no licence': {
    damage: unchecked({ licence: undefined }),
    message: /^manifest\.json: the document lacks licence\.$/,
  },
  'has two channels': {
    damage: manifest((document) => Object.assign(document.input, { channels: 2 })),
    message: /^manifest\.json: \/input\/channels must be 1 or 3\.$/,
  },
  'has a mean too few': {
    damage: manifest((document) => document.input.mean.pop()),
    message: /^manifest\.json: \/input\/mean has 2 values for 3 channels\.$/,
  },
  'has a standard deviation too many': {
    damage: manifest((document) => document.input.std.push(1)),
    message: /^manifest\.json: \/input\/std has 4 values for 3 channels\.$/,
  },
  'has a size to resize to, but no interpolation': {
    damage: manifest((document) =>
      Object.assign(document.input, { resize: { shorterSide: 10 }, crop: 'centre' }),
    ),
    message:
      /^manifest\.json: \/input has resize shorter-side-10, crop, but no interpolation; give one of nearest, bilinear, bicubic, lanczos\.$/,
  },
  'has a resize that nobody knows': {
    damage: manifest((document) => Object.assign(document.input, { resize: 'zoom' })),
    message:
      /^manifest\.json: \/input\/resize must be "fill" or "cover" or "contain", or one of its objects\.$/,
  },
  'has a shorter side that is none': {
    damage: manifest((document) =>
      Object.assign(document.input, { resize: { shorterSide: 0 }, interpolation: 'bilinear' }),
    ),
    message: /^manifest\.json: \/input\/resize\/shorterSide must be >= 1\.$/,
  },
  'has a range that ends where it begins': {
    damage: manifest((document) => Object.assign(document.input, { range: [1, 1] })),
    message: /^manifest\.json: \/input\/range is from 1 to 1; the first must be less\.$/,
  },
  'has two exits of one name': {
    damage: manifest((document) => Object.assign(document.exits[1] ?? {}, { name: 'exit-0' })),
    message: /^manifest\.json names two exits "exit-0"\.$/,
  },
  'has another name than its folder': {
    damage: unchecked({ name: 'large' }),
    message: /^manifest\.json describes large\/1, but the package is in the folder tiny\/1\.$/,
  },
  'has another version than its folder': {
    damage: unchecked({ version: '2' }),
    message: /^manifest\.json describes tiny\/2, but the package is in the folder tiny\/1\.$/,
  },
  'does not list its graph': {
    damage: manifest((document) => delete document.files['model.onnx']),
    message: /^manifest\.json does not list model\.onnx\.$/,
  },
  'does not list its golden outputs': {
    damage: manifest((document) => delete document.files['golden.json']),
    message: /^manifest\.json does not list golden\.json\.$/,
  },
  'lacks a listed file': {
    damage: (directory) => rm(join(directory, 'model.onnx')),
    message: /^model\.onnx is missing\.$/,
  },
  'has a file that is cut off': {
    damage: async (directory) => writeFile(join(directory, 'golden.json'), '{}'),
    message: /^golden\.json has 2 bytes, not the \d+ that manifest\.json lists\.$/,
  },
  'has a file with a flipped bit': {
    damage: async (directory) => {
      const { model } = buildTestNetwork(options);
      const flipped = Uint8Array.from(model);
      flipped[9999] = (flipped[9999] ?? 0) ^ 1;
      await writeFile(join(directory, 'model.onnx'), flipped);
    },
    message: /^model\.onnx is damaged: its sha256 is not the one that manifest\.json lists\.$/,
  },
  'has a folder for a file': {
    damage: async (directory) => {
      await rm(join(directory, 'golden.json'));
      await mkdir(join(directory, 'golden.json'));
    },
    message: /^golden\.json is not a file\.$/,
  },
  'has a file that is not listed': {
    damage: async (directory) => {
      await mkdir(join(directory, 'extra'));
      await writeFile(join(directory, 'extra', 'notes.txt'), 'x');
    },
    message: /^extra\/notes\.txt is not listed in manifest\.json\.$/,
  },
  'has a calibration that is not listed': {
    damage: manifest((document) => delete document.files['calibration.json']),
    message: /^calibration\.json is not listed in manifest\.json\.$/,
  },
  'lists its manifest': {
    damage: manifest((document) => {
      document.files['manifest.json'] = { bytes: 1, sha256: '0'.repeat(64) };
    }),
    message: /^manifest\.json cannot list itself\.$/,
  },
  'states other costs': {
    damage: manifest((document) => {
      const exit = document.exits[1];
      if (exit) exit.flops.head += 2;
    }),
    message: /^manifest\.json states 642 head FLOPs for exit "exit-1"; model\.onnx has 640\.$/,
  },
  'names another cut': {
    damage: manifest((document) => Object.assign(document.exits[0] ?? {}, { cut: 'mixed_0' })),
    message:
      /^The head of exit "exit-0" must depend on cut "mixed_0" alone, but it also takes tensor "stem_relu"\. Possible /,
  },
  'holds no graph': {
    damage: (directory) => writeListed(directory, 'model.onnx', 'nothing'),
    message: /^model\.onnx is not an ONNX model, or only a part of one: it has 7 bytes \(/,
  },
  'calls a profile full': {
    damage: profiles({ profiles: { full: { policy: 'entropy', thresholds: [0.1, 0.1] } } }),
    message: /^calibration\.json defines the profile "full", which always exists\.$/,
  },
  'gives a profile a name that is none': {
    damage: profiles({ profiles: { 'No Name': { policy: 'entropy', thresholds: [0.1, 0.1] } } }),
    message: /^calibration\.json: \/profiles has the unknown entry No Name\.$/,
  },
  'takes a profile by default that it has not': {
    damage: profiles({ defaultProfile: 'fast' }),
    message: /^calibration\.json has no profile "fast" to take by default\.$/,
  },
  'has a threshold too few': {
    damage: thresholds('entropy', [0.5]),
    message: /^calibration\.json: profile "balanced" has 1 thresholds for 2 side exits\.$/,
  },
  'has a threshold for the final exit': {
    damage: thresholds('entropy', [0.5, 0.5, 0.5]),
    message: /has 3 thresholds for 2 side exits/,
  },
  'has an entropy above 1': {
    damage: thresholds('entropy', [0.5, 1.1]),
    message:
      /^calibration\.json: threshold 1\.1 of profile "balanced" at exit 1 is not from 0 to 1, as entropy takes it\.$/,
  },
  'has a negative margin': {
    damage: thresholds('margin', [-0.1, null]),
    message: /threshold -0\.1 .* at exit 0 is not from 0 to 1, as margin takes it/,
  },
  'has half a patience': {
    damage: thresholds('patience', [null, 1.5]),
    message: /threshold 1\.5 .* is not a whole number from 1 to 3, as patience takes it/,
  },
  'has a policy nobody knows': {
    damage: thresholds('hope', [0.5, 0.5]),
    message:
      /^calibration\.json: \/profiles\/balanced\/policy must be "entropy" or "max-softmax" or "margin" or "patience"\.$/,
  },
  'has a golden image of another size': {
    damage: golden((document) => {
      const first = document.cases[0];
      if (first) first.pixels = Buffer.alloc(191).toString('base64');
    }),
    message: /^golden\.json: \/cases\/0\/pixels is not the base64 of 192 bytes\.$/,
  },
  'has a golden image that is no base64': {
    damage: golden((document) => {
      const last = document.cases.at(-1);
      if (last) last.pixels = `!${last.pixels.slice(1)}`;
    }),
    message: /^golden\.json: \/cases\/7\/pixels is not the base64 of 192 bytes\.$/,
  },
  'lacks golden logits of an exit': {
    damage: golden((document) => document.cases[1]?.logits.pop()),
    message: /^golden\.json: \/cases\/1\/logits is not 3 exits × 10 classes\.$/,
  },
  'lacks a golden logit': {
    damage: golden((document) => document.cases[1]?.logits[2]?.pop()),
    message: /^golden\.json: \/cases\/1\/logits is not 3 exits × 10 classes\.$/,
  },
};

describe('a package is refused that', () => {
  for (const [name, { damage, message }] of Object.entries(faults)) {
    it(name, async () => {
      const directory = join(temporaryFolder(), 'tiny', '1');
      await cp(sound, directory, { recursive: true });
      await damage(directory);
      await assert.rejects(loadPackage(directory), (error) => {
        assert.ok(error instanceof PackageError, String(error));
        assert.match(error.message, message);
        return true;
      });
    });
  }
});

it('only what could not be read may be in order at another time', async () => {
  const directory = join(temporaryFolder(), 'tiny', '1');
  await cp(sound, directory, { recursive: true });
  const isPassing = async () => (await loadPackage(directory).catch((error) => error)).isPassing;
  await rm(join(directory, 'golden.json'));
  assert.equal(await isPassing(), false);
  await symlink('golden.json', join(directory, 'golden.json'));
  await assert.rejects(loadPackage(directory), /^PackageError: golden\.json cannot be read: ELOOP/);
  assert.equal(await isPassing(), true);
});
