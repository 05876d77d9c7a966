import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CheckedCertificate } from '../../../src/format/certificate.js';
import type { Manifest } from '../../../src/format/manifest.js';
import { fullProfile, type Profile } from '../../../src/format/profiles.js';
import { rungsOf } from '../../../src/serving/degradation/rungs.js';
import { withCertificate } from '../../support/packages/certificate.js';
import { readJson } from '../../support/packages/packages.js';

const manifest = await readJson<Manifest>('models/mnist-smallcnn/2/manifest.json');
const alarms = new Set<string>();

/** A certified profile whose mean cost is `mean`. */
function certified(name: string, mean: number, changes: Partial<CheckedCertificate> = {}) {
  const made = withCertificate(
    manifest,
    { policy: 'entropy', thresholds: [0.5, 0.5] },
    { flops: { mean, bound: mean } },
  );
  if (!made.certificate) throw new Error('made with a certificate');
  const certificate = { certificate: made.certificate, valid: true, reason: '', ...changes };
  return audited({ name, description: '', policy: 'entropy', thresholds: [0.5, 0.5], certificate });
}

function audited(profile: Profile) {
  return { ...profile, audit: { isAlarmed: () => alarms.has(profile.name) } };
}

const profiles = [
  certified('accurate', 120),
  certified('balanced', 80),
  certified('equal', 80),
  certified('fast', 50),
  certified('stale', 10, { valid: false, reason: 'model.onnx is not the file that was certified' }),
  audited({ name: 'bare', description: '', policy: 'entropy', thresholds: [0.5, 0.5] }),
  { ...fullProfile(3), audit: undefined },
];
const model = {
  profiles: new Map(profiles.map((profile) => [profile.name, profile])),
  defaultProfile: 'balanced',
  fullFlops: 100,
};
const rungs = (names: string[], defaultProfile = names[0] ?? '') =>
  rungsOf(names, { ...model, defaultProfile });

test('certified profiles, each no dearer than the one before; full costs what the whole network does', () => {
  const flopsOf = (...names: string[]) => {
    const found = rungs(names);
    return typeof found === 'string' ? found : found.map(({ name, flops }) => [name, flops]);
  };
  assert.deepEqual(flopsOf('balanced', 'equal', 'fast'), [
    ['balanced', 80],
    ['equal', 80],
    ['fast', 50],
  ]);
  assert.deepEqual(flopsOf('full', 'fast'), [
    ['full', 100],
    ['fast', 50],
  ]);
  assert.deepEqual(flopsOf('accurate', 'full'), [
    ['accurate', 120],
    ['full', 100],
  ]);
});

test('a rung is alarmed when its audit is', () => {
  const found = rungs(['balanced', 'fast']);
  assert.ok(typeof found !== 'string');
  const alarmed = () => found.map((rung) => rung.isAlarmed());
  assert.deepEqual(alarmed(), [false, false]);
  alarms.add('fast');
  assert.deepEqual(alarmed(), [false, true]);
});

test('anything else is refused with the reason in one sentence', () => {
  const refusals: [string[], RegExp, string?][] = [
    [['balanced', 'fsat'], /^The model has no profile "fsat", only accurate, balanced, /],
    [['balanced', 'bare'], /^The profile "bare" is not certified: it has no certificate\.$/],
    [['balanced', 'stale'], /^The profile "stale" is not certified: model\.onnx is not the file .*\.$/],
    [['bare', 'fast'], /^The profile "bare" is not certified/],
    [['fast', 'balanced'], /^The profile "balanced" costs 80 FLOPs an image, more than "fast" .* 50\.$/],
    [['balanced', 'full'], /^The profile "full" costs 100 FLOPs/],
    [
      ['balanced', 'fast'],
      /^The ladder begins with "balanced", but .* default profile "accurate"\.$/,
      'accurate',
    ],
  ];
  for (const [names, reason, defaultProfile] of refusals) {
    const found = rungs(names, defaultProfile);
    assert.ok(typeof found === 'string', names.join());
    assert.match(found, reason);
  }
});
