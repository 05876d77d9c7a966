// Certificates in a service: a certified profile is shown as certified everywhere; a changed one never is.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type Type from 'typebox';
import { calibrate } from '../../src/calibration/certify.js';
import { issueProfile } from '../../src/calibration/issue.js';
import { createExitTable } from '../../src/calibration/scores/exit-table.js';
import { recordScores } from '../../src/calibration/scores/record.js';
import { createDecoder } from '../../src/decoding/decode.js';
import { createEngine } from '../../src/engines/onnx.js';
import type { CalibrationDocument } from '../../src/format/profiles.js';
import type { Model as ModelSchema } from '../../src/http/routes/models.js';
import { loadPackage } from '../../src/packages/package.js';
import { saveProfile } from '../../src/packages/save-profile.js';
import { readJson, writeListed } from '../support/packages/packages.js';
import { testImages, writeProfiledPackage } from '../support/packages/profiled-package.js';
import { predict, type Query } from '../support/service/requests.js';
import { startTestService } from '../support/service/service.js';

type Model = Type.Static<typeof ModelSchema>;

const images = await testImages(200, 5);

/** The test package under `version`, with a certified profile `sure`. */
async function writeCertified(directory: string, version: string): Promise<string> {
  const { package: model } = await writeProfiledPackage(directory, { version });
  const recording = await recordScores({
    model,
    engine: createEngine(),
    decoder: createDecoder({ maxImagePixels: 1e6, maxImageMemoryBytes: 2 ** 28 }),
    samples: images.map(({ png }, index) => ({
      name: `image ${index}`,
      label: '',
      mediaType: 'image/png',
      read: async () => png,
    })),
    dataSha256: '0'.repeat(64),
    onProgress: () => {},
  });
  const goal = { risks: [{ loss: 'consistency', data: 'clean', epsilon: 0.4 } as const], delta: 0.1 };
  const tables = { clean: createExitTable(recording, 'entropy') };
  const tested = calibrate([tables], model.manifest.exits, goal, { tuneShare: 0.5, seed: 1 });
  assert.equal(tested.choice.kind, 'point');
  const index = tested.choice.kind === 'point' ? tested.choice.index : 0;
  const profile = issueProfile({
    ...{ tested, index, goal, seed: 1, recording, manifest: model.manifest },
    ...{ date: new Date(0), tool: 'test' },
  });
  const saved = await saveProfile(model, { name: 'sure', profile, makeDefault: false });
  return saved.directory;
}

/** Changes a package's calibration.json and also updates the manifest's entry for it. */
async function edit(directory: string, change: (calibration: CalibrationDocument) => void): Promise<void> {
  const calibration = await readJson<CalibrationDocument>(join(directory, 'calibration.json'));
  change(calibration);
  await writeListed(directory, 'calibration.json', JSON.stringify(calibration));
}

const { url, log, samples } = await startTestService(
  { after },
  {
    writePackages: async (directory) => {
      await writeCertified(directory, '1');
      // Another network with the profiles and certificates of the first.
      const retrained = await writeCertified(directory, '2');
      const { package: other } = await writeProfiledPackage(directory, { version: '3', seed: 2 });
      const certified = await loadPackage(retrained);
      const path = join(retrained, 'calibration.json');
      const sure = (await readJson<CalibrationDocument>(path)).profiles['sure'];
      assert.ok(sure);
      await edit(other.directory, (calibration) => {
        calibration.profiles['sure'] = sure;
      });
      assert.notEqual(
        certified.manifest.files['model.onnx']?.sha256,
        other.manifest.files['model.onnx']?.sha256,
      );
      // Thresholds edited by hand.
      await edit(retrained, ({ profiles }) => {
        const thresholds = profiles['sure']?.thresholds ?? [];
        profiles['sure'] = { ...sure, thresholds: thresholds.map((one) => one && one * 0.99) };
      });
    },
  },
);
const sureOf = async (version: string) => {
  const model = (await (await fetch(`${url}/models/tiny?version=${version}`)).json()) as Model;
  return model.profiles.find(({ name }) => name === 'sure')?.certificate ?? assert.fail('no certificate');
};
const options = (version: string, profile: string, more: Query = {}) => ({ version, profile, ...more });

test('a valid certificate is shown with its statement, and covers answers on the calibrated path', async () => {
  const { valid, reason, certificate } = await sureOf('1');
  assert.deepEqual([valid, reason], [true, '']);
  assert.match(
    certificate.statement,
    /confidence 90 %.*at most 40 % of answers differ.*says nothing about traffic/,
  );
  const seen = new Set<string>();
  for (const { png } of images.slice(0, 40)) {
    const answer = await predict(url, png, options('1', 'sure'));
    assert.equal(answer.certified, true);
    seen.add(answer.exit.reason);
  }
  assert.deepEqual([...seen].sort(), ['confident', 'final']);
});

test('an answer that left the calibrated path is not certified', async () => {
  const reasons = new Set<string>();
  for (const { png } of images.slice(0, 40)) {
    const { exit, certified } = await predict(url, png, options('1', 'sure', { maxExit: 0 }));
    reasons.add(exit.reason);
    assert.equal(certified, exit.reason === 'confident');
  }
  assert.ok(reasons.has('budget'));
});

test('full is the reference and always certified; a profile without a certificate is not', async () => {
  const [{ png }] = images as [(typeof images)[0]];
  assert.equal((await predict(url, png, options('1', 'full'))).certified, true);
  assert.equal((await predict(url, png, options('1', 'full', { maxExit: 1 }))).certified, false);
  assert.equal((await predict(url, png, options('1', 'default'))).certified, false);
});

test('a profile with another model file or other thresholds is served but never called certified', async () => {
  for (const [version, pattern] of [
    ['2', /policy or thresholds are not those that were certified/],
    ['3', /model\.onnx is not the file that was certified/],
  ] as const) {
    const { valid, reason } = await sureOf(version);
    assert.equal(valid, false);
    assert.match(reason, pattern);
    for (const { png } of images.slice(0, 20)) {
      assert.equal((await predict(url, png, options(version, 'sure'))).certified, false);
    }
    const warning = log.find((line) => line['version'] === version && line['profile'] === 'sure');
    assert.equal(warning?.['level'], 40, 'a warning');
    assert.match(String(warning['reason']), pattern);
  }
});

test('the metric distinguishes valid, invalid and none', async () => {
  const scraped = await samples();
  const count = (version: string, profile: string, status: string) =>
    scraped.sum('rdi_certificate_info', { model: 'tiny', version, profile, status });
  assert.equal(count('1', 'sure', 'valid'), 1);
  assert.equal(count('2', 'sure', 'invalid'), 1);
  assert.equal(count('3', 'sure', 'invalid'), 1);
  assert.equal(count('1', 'default', 'none'), 1);
  assert.equal(scraped.sum('rdi_certificate_info', { profile: 'full' }), 0);
});

test('the metrics have expected exit shares to compare with the exits taken', async () => {
  const { certificate } = await sureOf('1');
  const { all, sum } = await samples();
  const labels = { model: 'tiny', version: '1', profile: 'sure' };
  for (const [exit, share] of certificate.exitShares.entries()) {
    assert.equal(sum('rdi_exit_share_expected', { ...labels, exit }), share);
    assert.ok(
      all.some(
        ({ name, labels: { exit: at, profile } }) =>
          name === 'rdi_predictions_total' && at === `${exit}` && profile === 'sure',
      ),
    );
  }
  assert.equal(sum('rdi_exit_share_expected', { version: '2' }), 0, 'no promise, nothing expected');
});
