// A new version against the one before: what the old thresholds do on the new images, and whether they keep their promise.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certifyProfiles } from '../../src/add-exits/certify-profiles.js';
import { compareProfiles } from '../../src/add-exits/compare.js';
import { brokenPromises } from '../../src/add-exits/report/comparison.js';
import { createUniform } from '../../src/foundation/random.js';
import { loadPackage } from '../../src/packages/package.js';
import { writeTestPackage } from '../support/packages/network.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const IMAGES = 1000;
const { directory } = await writeTestPackage(temporaryFolder(), {
  calibration: {
    formatVersion: 1,
    defaultProfile: 'fast',
    profiles: { fast: { policy: 'margin', thresholds: [0.5, 0.5] } },
  },
});
const model = await loadPackage(directory);
const { exits, classes, name, version } = model.manifest;

/** The first exit is sure of every image, and gives another answer than the others to a share of them. */
function recordingWith(wrong: number) {
  const uniform = createUniform(4);
  const logits = new Float32Array(IMAGES * exits.length * classes.length);
  for (let image = 0; image < IMAGES; image++) {
    const isWrong = uniform() < wrong;
    exits.forEach((_, exit) => {
      const answer = exit === 0 && isWrong ? 1 : 0;
      logits[(image * exits.length + exit) * classes.length + answer] = 9;
    });
  }
  return {
    ...{ model: `${name}/${version}`, modelSha256: '', describedSha256: '', dataSha256: '' },
    ...{ images: IMAGES, exits: exits.length, classes: classes.length, logits },
  };
}

test('old thresholds are replayed on the images that test the new ones', () => {
  const recording = recordingWith(0.1);
  const certified = certifyProfiles(
    recording,
    model.manifest,
    [{ name: 'fast', epsilon: 0.05, delta: 0.05 }],
    1,
  );
  const [compared] = compareProfiles(model, recording, certified, 1);
  assert.ok(compared);
  assert.equal(compared.former, undefined, 'it has no certificate');
  assert.ok(Math.abs((compared.now?.changed ?? 0) - 0.1) < 0.04, `${compared.now?.changed}`);
  const first = exits[0]?.flops;
  assert.equal(compared.now?.flops, (first?.stage ?? 0) + (first?.head ?? 0), 'all leave at the first exit');
  const [sentence = ''] = brokenPromises([compared], version);
  assert.match(sentence, /^fast of version .+ promises to change at most 5 % of the answers, and changes \d/);
});

test('a promise that is kept is nothing to tell', () => {
  const recording = recordingWith(0.01);
  const certified = certifyProfiles(
    recording,
    model.manifest,
    [{ name: 'fast', epsilon: 0.05, delta: 0.05 }],
    1,
  );
  const compared = compareProfiles(model, recording, certified, 1);
  assert.deepEqual(brokenPromises(compared, version), []);
  assert.ok(compared[0]?.anew, 'and it is certified anew');
});
