// Typicality data with one fault each: every package is refused in one sentence that names the place and the fault.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readProfiles } from '../../src/format/documents.js';
import type { CalibrationDocument } from '../../src/format/profiles.js';
import type { TypicalityDocument } from '../../src/format/typicality.js';
import { createUniform } from '../../src/foundation/random.js';
import { fitTypicality } from '../../src/typicality/fit.js';
import { writeTestPackage } from '../support/packages/network.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const { manifest } = await writeTestPackage(temporaryFolder(), { size: 8, width: 4 });
const uniform = createUniform(1);
const sound = fitTypicality({
  input: manifest.input,
  statistics: Array.from({ length: 400 }, () => Float64Array.from({ length: 8 }, uniform)),
  ...{ seed: 1, dataSha256: '0'.repeat(64), date: new Date(0) },
});

function read(change: (document: TypicalityDocument) => unknown) {
  const typicality = structuredClone(sound);
  change(typicality);
  const document: CalibrationDocument = {
    ...{ formatVersion: 1, defaultProfile: 'full', profiles: {} },
    typicality,
  };
  return readProfiles(Buffer.from(JSON.stringify(document)), manifest);
}

test('sound data is read as it was written', () => {
  assert.deepEqual(read(() => {}).typicality, sound);
});

const faults: Readonly<Record<string, [change: (document: TypicalityDocument) => unknown, message: RegExp]>> =
  {
    'other statistics': [
      ({ statistics }) => statistics.splice(0, 1, 'hue'),
      /\/typicality\/statistics are hue, contrast, .*; this rdi-serve computes brightness, contrast, .*\.$/,
    ],
    'a mean too few': [({ mean }) => mean.pop(), /\/typicality\/mean has 7 values for 8 statistics\.$/],
    'a row of the whitening too long': [
      ({ whitening }) => whitening[0]?.push(0),
      /\/typicality\/whitening is not a lower triangle of 8 rows\.$/,
    ],
    'a number that is none': [
      ({ mean }) => mean.splice(0, 1, Number.NaN),
      /\/typicality\/mean\/0 must be number\.$/,
    ],
    'a distance too few': [
      ({ reference }) => reference.distances.pop(),
      /\/typicality\/reference has \d+ distances for \d+ ranks\.$/,
    ],
    'ranks that do not ascend': [
      ({ reference }) => reference.ranks.splice(1, 1, 1),
      /\/typicality\/reference\/ranks do not ascend to the last of the 200 reference images\.$/,
    ],
    'more reference images than ranks': [
      ({ images }) => {
        images.reference = 201;
      },
      /\/typicality\/reference\/ranks do not ascend to the last of the 201 reference images\.$/,
    ],
    'distances that do not descend': [
      ({ reference }) => reference.distances.reverse(),
      /\/typicality\/reference\/distances do not descend\.$/,
    ],
    'a level of 1': [
      (document) => {
        document.level = 1;
      },
      /\/typicality\/level must be < 1\.$/,
    ],
  };
for (const [name, [change, message]] of Object.entries(faults)) {
  test(`${name}: the package is refused`, () => {
    assert.throws(() => read(change), { name: 'PackageError', message });
  });
}
