// How often profiles are right: counted by hand on made-up answers, and only where every image says its class.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accuracyOf, noteOnLabels, trueClasses } from '../../src/add-exits/accuracy.js';
import { certifyProfiles } from '../../src/add-exits/certify-profiles.js';
import { loadPackage } from '../../src/packages/package.js';
import { writeTestPackage } from '../support/packages/network.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const { manifest } = await loadPackage((await writeTestPackage(temporaryFolder())).directory);
const { exits, classes } = manifest;
const IMAGES = 1000;

/** Every image is of the first class. The network errs on the last 200, of which the first exit corrects the last 100. */
const answers = Array.from({ length: IMAGES }, (_, image) => ({
  early: image >= 800 && image < 900 ? 1 : 0,
  final: image >= 800 ? 1 : 0,
}));
const logits = new Float32Array(IMAGES * exits.length * classes.length);
for (const [image, { early, final }] of answers.entries()) {
  exits.forEach((_, exit) => {
    const answer = exit === exits.length - 1 ? final : early;
    // Surer where it differs, so that no threshold parts those images from the others.
    logits[(image * exits.length + exit) * classes.length + answer] = early === final ? 8 : 9;
  });
}
const recording = {
  ...{ model: '', modelSha256: '', describedSha256: '', dataSha256: '' },
  ...{ images: IMAGES, exits: exits.length, classes: classes.length, logits },
};
const limits = [
  { name: 'none', epsilon: 0.01, delta: 0.05 },
  { name: 'fast', epsilon: 0.3, delta: 0.05 },
];

test('accuracy of the network and of each certified profile, on the images that test', () => {
  const certified = certifyProfiles(recording, manifest, limits, 1);
  assert.equal(accuracyOf(recording, certified, 1), undefined);
  const found = accuracyOf({ ...recording, truth: new Int32Array(IMAGES) }, certified, 1);
  assert.ok(found);
  assert.equal(found.images, 600);
  assert.deepEqual([...found.profiles.keys()], ['fast'], 'what is not certified has no accuracy');
  const changed = certified[1]?.profile?.certificate?.risks[0]?.observed ?? Number.NaN;
  assert.ok(changed > 0.05);
  // Every answer that changes becomes right.
  assert.ok(Math.abs((found.profiles.get('fast') ?? 0) - found.full - changed) < 1e-12);
  assert.ok(Math.abs(found.full - 0.8) < 0.05);
});

test('labels count if all are classes of the network; if some are, a note says which is not', () => {
  const samples = (...labels: string[]) => labels.map((label) => ({ label, name: `${label}/a.png` }));
  assert.deepEqual(trueClasses(samples('b', 'a', 'b'), ['a', 'b']), Int32Array.of(1, 0, 1));
  assert.equal(trueClasses(samples('b', 'june'), ['a', 'b']), undefined);
  assert.deepEqual(noteOnLabels(samples('b', 'june'), ['a', 'b']), [
    'Accuracy is not reported: 1 of 2 images that calibrate have no class of the network as their label, "june/a.png" for one.',
  ]);
  assert.deepEqual(noteOnLabels(samples('june', ''), ['a', 'b']), []);
  assert.deepEqual(noteOnLabels(samples('a'), ['a', 'b']), []);
});
