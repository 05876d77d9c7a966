// The live audit in a real service: what is compared and counted, the alarm, its effect, and the reset.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type Type from 'typebox';
import type { Config } from '../../src/config/settings.js';
import type { CalibrationDocument } from '../../src/format/profiles.js';
import type { Model as ModelSchema } from '../../src/http/routes/models.js';
import type { ModelPackage } from '../../src/packages/package.js';
import { createDirector, marked } from '../support/engines/directed-engine.js';
import { fromPixels } from '../support/images/images.js';
import { withCertificate } from '../support/packages/certificate.js';
import { writeListed } from '../support/packages/packages.js';
import { testImages, writeProfiledPackage } from '../support/packages/profiled-package.js';
import { assertProblem, classify, post, predict, type Query } from '../support/service/requests.js';
import { startTestService, type TestService, until } from '../support/service/service.js';
import { temporaryFolder } from '../support/temporary-folder.js';

type Model = Type.Static<typeof ModelSchema>;

const images = (await testImages(50)).map(({ png }) => png);
const image = images[0] as Buffer;
const EPSILON = 0.05;
const consistency = { loss: 'consistency', epsilon: EPSILON, observed: 0, pValue: 0, test: 'none' } as const;

/** Certificates that do not hold: with `reckless`, every image leaves at the first exit. */
async function writeProfiles(one: ModelPackage, reckless: number): Promise<void> {
  const { manifest } = one;
  const leaveAtOnce = { policy: 'entropy' as const, thresholds: [reckless, reckless] };
  const document: CalibrationDocument = {
    formatVersion: 1,
    defaultProfile: 'mixed',
    profiles: {
      mixed: withCertificate(
        manifest,
        { policy: 'entropy', thresholds: [0.6, 0.6] },
        { risks: [{ ...consistency, epsilon: 0.99 }] },
      ),
      reckless: withCertificate(manifest, leaveAtOnce, { risks: [consistency] }),
      error: withCertificate(manifest, leaveAtOnce, {
        risks: [
          { ...consistency, loss: 'error' },
          { ...consistency, data: 'adversarial' },
        ],
      }),
      straight: withCertificate(
        manifest,
        { policy: 'entropy', thresholds: [null, null] },
        { risks: [consistency] },
      ),
      uncertified: leaveAtOnce,
    },
  };
  await writeListed(one.directory, 'calibration.json', JSON.stringify(document));
}

async function start(t: TestContext, config: Partial<Config>, engineModule?: string) {
  const models = temporaryFolder();
  const { package: one } = await writeProfiledPackage(models);
  await writeProfiles(one, 1);
  const service = await startTestService(t, {
    config: { models, auditFraction: 1, ...config },
    ...(engineModule && { engineModule }),
  });
  return { ...service, package: one };
}

const auditOf = async ({ url }: TestService, profile: string) => {
  const { profiles } = (await (await fetch(`${url}/models/tiny`)).json()) as Model;
  return profiles.find(({ name }) => name === profile)?.audit;
};
const countOf = async ({ samples }: TestService, profile: string, result: string) =>
  (await samples()).sum('rdi_audit_samples_total', { model: 'tiny', version: '1', profile, result });
const send = (service: TestService, profile: string, query: Query = {}) =>
  Promise.all(images.map((one) => predict(service.url, one, { profile, ...query })));
const reset = (service: TestService, profile: string, reason: unknown = 'a test') =>
  post(
    `${service.url}/models/tiny/versions/1/profiles/${profile}/audit/reset`,
    JSON.stringify({ reason }),
    'application/json',
  );

/** Sends images one after another until the alarm. @returns the answers */
async function alarm(service: TestService) {
  const answers = [];
  for (let sent = 0; !(await auditOf(service, 'reckless'))?.alarm; sent++) {
    answers.push(await predict(service.url, images[sent % images.length] as Buffer, { profile: 'reckless' }));
  }
  return answers;
}

test('every sampled answer is compared with the full network; only certified answers are sampled', async (t) => {
  const service = await start(t, { workers: 2 });
  const mixed = await send(service, 'mixed');
  const full = await send(service, 'full');
  const differing = mixed.filter(({ label }, index) => label !== full[index]?.label).length;
  assert.ok(differing > 0);
  const done = async () =>
    (await countOf(service, 'mixed', 'agreed')) + (await countOf(service, 'mixed', 'differed'));
  await until(async () => (await done()) === images.length);
  assert.equal(await countOf(service, 'mixed', 'differed'), differing);

  const { epsilon, alarm: isAlarmed, agreed, differed } = (await auditOf(service, 'mixed')) ?? {};
  assert.deepEqual(
    [epsilon, isAlarmed, agreed, differed],
    [0.99, false, images.length - differing, differing],
  );
  const { sum } = await service.samples();
  assert.ok(sum('rdi_audit_engine_seconds_total', { model: 'tiny' }) > 0);
  assert.equal(
    sum('rdi_predictions_total', { profile: 'full' }),
    images.length,
    'audits are not counted as predictions',
  );

  await send(service, 'mixed', { maxExit: 1 });
  await send(service, 'mixed', { deadlineMs: 60_000 });
  await send(service, 'uncertified');
  assert.equal(await done(), images.length);
  assert.equal(await auditOf(service, 'uncertified'), undefined);
  assert.equal(await auditOf(service, 'full'), undefined);
});

test('a violated certificate raises the alarm; the next request runs full; an operator can reset it', async (t) => {
  const service = await start(t, { operatorRoutes: true });
  const answers = await alarm(service);
  // The last request may already run full, because the one before it raised the alarm.
  assert.ok(answers.slice(0, -1).every(({ profile, exit }) => profile === 'reckless' && exit.index === 0));
  assert.ok(answers.length < 10 / EPSILON, `${answers.length} answers`);
  for (const query of [{ profile: 'reckless' }, { profile: 'reckless', topK: 3 }]) {
    const { profile, exit, certified } = await predict(service.url, image, query);
    assert.deepEqual([profile, exit.reason, certified], ['full', 'final', true]);
  }
  assert.equal((await predict(service.url, image, { profile: 'mixed' })).profile, 'mixed');
  const labels = { model: 'tiny', version: '1', profile: 'reckless' };
  const alarmed = await service.samples();
  assert.equal(alarmed.sum('rdi_audit_alarm', labels), 1);
  assert.ok(alarmed.sum('rdi_audit_evidence', labels) >= 100, 'at least 1/α');
  assert.equal(service.log.filter(({ msg }) => `${msg}`.startsWith('audit alarm')).length, 1);

  for (const reason of ['', 7, undefined, 'x'.repeat(501)]) {
    assert.equal((await reset(service, 'reckless', reason ?? null)).status, 400);
  }
  for (const profile of ['uncertified', 'x'.repeat(100)]) {
    await assertProblem(await reset(service, profile), 'unknown-model');
  }
  const address = `${service.url}/models/tiny/versions/1/profiles/reckless/audit/reset`;
  await assertProblem(await post(address, '{"reason":"x"}', 'text/plain'), 'unsupported-media-type');
  const response = await reset(service, 'reckless', 'thresholds were looked at');
  assert.equal(response.status, 200);
  const { alarm: isAlarmed, evidence } = (await response.json()) as NonNullable<
    Awaited<ReturnType<typeof auditOf>>
  >;
  assert.deepEqual([isAlarmed, evidence], [false, 1]);
  assert.ok(service.log.some(({ level, reason }) => level === 40 && reason === 'thresholds were looked at'));
  assert.equal((await service.samples()).sum('rdi_audit_alarm', labels), 0);
  assert.equal((await predict(service.url, image, { profile: 'reckless' })).profile, 'reckless');
  await alarm(service);
});

test('new thresholds start a new audit; the same thresholds do not', async (t) => {
  const service = await start(t, {});
  await alarm(service);
  await writeProfiles(service.package, 1);
  await writeListed(service.package.directory, 'MODEL_CARD.md', 'more');
  await service.classifier.reload();
  assert.equal((await predict(service.url, image, { profile: 'reckless' })).profile, 'full');
  await writeProfiles(service.package, 0.9999);
  await service.classifier.reload();
  assert.equal((await predict(service.url, image, { profile: 'reckless' })).profile, 'reckless');
  assert.equal((await service.samples()).sum('rdi_audit_alarm', { profile: 'reckless' }), 0);
});

test('a certificate about accuracy or adversarial copies is audited without an alarm', async (t) => {
  const service = await start(t, {});
  await send(service, 'error');
  await until(async () => (await countOf(service, 'error', 'differed')) > images.length / 4);
  const { epsilon, alarm: isAlarmed } = (await auditOf(service, 'error')) ?? {};
  assert.deepEqual([epsilon, isAlarmed], [null, false]);
  assert.equal(
    (await service.samples()).sum('rdi_audit_evidence', { profile: 'error' }),
    0,
    'no such series',
  );
});

test('an image without an answer does not influence the audit', async (t) => {
  const director = createDirector(t);
  const service = await start(t, {}, director.engineModule);
  const pixels = marked((await testImages(1))[0]?.pixels ?? new Uint8Array(), 'not-a-number');
  const broken = await fromPixels(pixels, 16, 16, 3).png().toBuffer();
  await assertProblem(await classify(service.url, broken, { profile: 'straight' }), 'internal-error');
  const { agreed, differed, failed } = (await auditOf(service, 'straight')) ?? {};
  assert.deepEqual([agreed, differed, failed], [0, 0, 1]);
});

test('samples get places or are dropped before their outcome is known; requests go first', async (t) => {
  const director = createDirector(t);
  const service = await start(t, { workers: 1, maxBatch: 1 }, director.engineModule);
  const atStart = (await director.runs()).length;
  await director.hold();
  const answers = Promise.all([send(service, 'mixed'), send(service, 'mixed')]);
  await until(async () => (await countOf(service, 'mixed', 'dropped')) === 2 * images.length - 64);
  await director.release();
  await answers;
  const done = async () =>
    (await countOf(service, 'mixed', 'agreed')) + (await countOf(service, 'mixed', 'differed'));
  await until(async () => (await done()) === 64);
  // With a share of 1, audits and requests take turns; an audit is the only run from image to the final exit.
  const runs = (await director.runs()).slice(atStart);
  const first = runs.findIndex(({ from, to }) => from === -1 && to === 2);
  assert.ok(first > 0);
  assert.ok(runs.every(({ batch }) => batch === 1));
});

test('an alarm can be reset over HTTP only with --operator-routes', async (t) => {
  const service = await start(t, {});
  const { detail } = await assertProblem(await reset(service, 'reckless'), 'forbidden');
  assert.match(detail, /--operator-routes\b/, 'as it can be typed');
});

test('with audit fraction 0 nothing is audited', async (t) => {
  const service = await start(t, { auditFraction: 0 });
  await send(service, 'reckless');
  assert.equal(await auditOf(service, 'reckless'), undefined);
  assert.equal((await service.samples()).sum('rdi_audit_samples_total'), 0);
});
