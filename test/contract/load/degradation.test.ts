// Certified degradation in a real service: a crowd moves requests to a cheaper certified profile, and calm moves them
// back; profiles change in between; profiles that do not fit end the ladder, not the service.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type Type from 'typebox';
import type { CalibrationDocument } from '../../../src/format/profiles.js';
import type { Model as ModelSchema } from '../../../src/http/routes/models.js';
import type { Prediction } from '../../../src/serving/prediction.js';
import { createDirector } from '../../support/engines/directed-engine.js';
import { withCertificate } from '../../support/packages/certificate.js';
import { writeListed } from '../../support/packages/packages.js';
import { testImages, writeProfiledPackage } from '../../support/packages/profiled-package.js';
import { classifyBatch, post, predict } from '../../support/service/requests.js';
import { startTestService, until } from '../../support/service/service.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const LADDER = 'balanced,fast';
/** More than the workers' buffers take, so that most of them wait. */
const CROWD = 100;
const [image = Buffer.alloc(0), ...others] = (await testImages(4)).map(({ png }) => png);

async function start(t: TestContext) {
  const models = temporaryFolder();
  const { package: one } = await writeProfiledPackage(models);
  const write = async (fast: number, isCertified = true): Promise<string> => {
    const profile = { policy: 'entropy' as const, thresholds: [fast, fast] };
    const certified = withCertificate(one.manifest, profile, { flops: { mean: 5, bound: 6 } });
    const document: CalibrationDocument = {
      formatVersion: 1,
      defaultProfile: 'balanced',
      profiles: {
        balanced: withCertificate(
          one.manifest,
          { policy: 'entropy', thresholds: [0.6, 0.6] },
          { flops: { mean: 6, bound: 7 } },
        ),
        fast: isCertified ? certified : profile,
      },
    };
    await writeListed(one.directory, 'calibration.json', JSON.stringify(document));
    return certified.certificate?.sha256.profile ?? '';
  };
  const director = createDirector(t);
  const certificate = await write(0.8);
  const service = await startTestService(t, {
    config: { models, workers: 1, ladder: LADDER, ladderTargetMs: 1 },
    engineModule: director.engineModule,
  });
  const modelOf = async () =>
    (await (await fetch(`${service.url}/models/tiny`)).json()) as Type.Static<typeof ModelSchema>;
  return { ...service, director, write, certificate, ladder: async () => (await modelOf()).ladder };
}

const summary = ({ profile, certified, degraded }: Prediction) => ({ profile, certified, degraded });
const normal = { profile: 'balanced', certified: true, degraded: undefined };
const degradedBy = (certificate: string) => ({
  profile: 'fast',
  certified: true,
  degraded: { wantedProfile: 'balanced', certificate },
});

test('in a crowd requests get a cheaper certified profile, and the default one again in calm', async (t) => {
  const { url, classifier, director, write, certificate, ladder, samples, log } = await start(t);
  for (const png of others) assert.deepEqual(summary(await predict(url, png)), normal);
  assert.deepEqual(await ladder(), { profiles: ['balanced', 'fast'], rung: 0, reason: '' });

  await director.hold();
  const crowd = Array.from({ length: CROWD }, () => predict(url, image));
  await until(async () => (await ladder())?.rung === 1);
  const degraded = [predict(url, image), predict(url, image, { topK: 3, deadlineMs: 600_000 })];
  const byFastify = post(`${url}/classify`, image, 'image/png; by=fastify');
  const batch = classifyBatch(url, others);
  const pinned = [{ profile: 'balanced' }, { maxExit: 2 }, { maxFlops: 10 ** 12 }].map((query) =>
    predict(url, image, query),
  );
  // All of these have their profile before it changes.
  await until(async () => (await samples()).sum('rdi_in_flight') === CROWD + 6 + others.length);
  const changed = await write(0.9);
  assert.notEqual(changed, certificate);
  await classifier.reload();
  const afterChange = predict(url, image);
  await until(async () => (await samples()).sum('rdi_in_flight') === CROWD + 7 + others.length);
  await director.release();

  // On a slow machine the last of the crowd comes when requests are degraded already.
  const late = (await Promise.all(crowd)).filter(({ profile }) => profile === 'fast');
  assert.ok(late.length < CROWD);
  const answers = [...late, ...(await Promise.all(degraded)), (await (await byFastify).json()) as Prediction];
  for (const answer of answers) assert.deepEqual(summary(answer), degradedBy(certificate));
  const { results } = (await (await batch).json()) as { results: { prediction: Prediction }[] };
  assert.equal(results.length, others.length);
  for (const { prediction } of results) assert.deepEqual(summary(prediction), degradedBy(certificate));
  for (const { profile, degraded: state } of await Promise.all(pinned)) {
    assert.deepEqual([profile, state], ['balanced', undefined]);
  }
  assert.deepEqual(summary(await afterChange), degradedBy(changed));

  await until(async () => (await ladder())?.rung === 0);
  assert.deepEqual(summary(await predict(url, image)), normal);
  const { sum } = await samples();
  const labels = { model: 'tiny', version: '1' };
  assert.equal(
    sum('rdi_degraded_total', { ...labels, profile: 'fast' }),
    answers.length + results.length + 1,
  );
  assert.equal(sum('rdi_ladder_moves_total', { ...labels, direction: 'degrade' }), 1);
  assert.equal(sum('rdi_ladder_moves_total', { ...labels, direction: 'restore' }), 1);
  assert.equal(sum('rdi_ladder_target_seconds'), 0.001);
  assert.deepEqual(
    log.filter(({ msg }) => `${msg}`.startsWith('requests ')).map(({ from, profile }) => [from, profile]),
    [
      ['balanced', 'fast'],
      ['fast', 'balanced'],
    ],
  );

  await write(0.9, false);
  await classifier.reload();
  const { rung, reason } = (await ladder()) ?? {};
  assert.deepEqual([rung, reason], [0, 'The profile "fast" is not certified: it has no certificate.']);
  assert.equal((await samples()).sum('rdi_ladder_refused', labels), 1);
  assert.ok(log.some(({ msg }) => msg === 'ladder refused: the model is served without it'));
  assert.deepEqual(summary(await predict(url, image)), normal);
  await write(0.9);
  await classifier.reload();
  assert.equal((await ladder())?.reason, '');
  assert.equal((await samples()).sum('rdi_ladder_refused', labels), 0);
});
