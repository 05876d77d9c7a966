// Profiles change while the server runs: every answer belongs to one version of them, and no request fails.
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { CalibrationDocument, ProfileDocument } from '../../src/format/profiles.js';
import type { ModelPackage } from '../../src/packages/package.js';
import type { Prediction } from '../../src/serving/prediction.js';
import { createDirector, marked } from '../support/engines/directed-engine.js';
import { fromPixels } from '../support/images/images.js';
import { withCertificate } from '../support/packages/certificate.js';
import { writeTestPackage } from '../support/packages/network.js';
import { writeListed } from '../support/packages/packages.js';
import { testImages } from '../support/packages/profiled-package.js';
import { assertProblem, classify, predict } from '../support/service/requests.js';
import { startProcess } from '../support/service/serve-process.js';
import { startTestService, until } from '../support/service/service.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const CHANGES = 100;
const images = (await testImages(24)).map(({ png }) => png);

/** The active exits rotate, the threshold identifies the version, and only even versions are certified. */
function version(index: number, manifest: ModelPackage['manifest']): ProfileDocument {
  const threshold = thresholdOf(index);
  const thresholds = [index % 3 === 0 ? null : threshold, index % 3 === 1 ? null : threshold];
  const profile: ProfileDocument = { policy: 'entropy', thresholds };
  if (index % 2 === 0) return withCertificate(manifest, profile);
  return { ...withCertificate(manifest, { policy: 'entropy', thresholds: [0, 0] }), thresholds };
}

const thresholdOf = (index: number) => 0.5 + index / 1000;

const documentOf = (profile: ProfileDocument): CalibrationDocument => ({
  formatVersion: 1,
  defaultProfile: 'changing',
  profiles: { changing: profile },
});

async function write(one: ModelPackage, profile: ProfileDocument): Promise<void> {
  await writeListed(one.directory, 'calibration.json', JSON.stringify(documentOf(profile)));
}

/** A models folder with one package whose only profile leaves late, so that no other segments are loaded. */
async function writeModels() {
  const models = temporaryFolder();
  const calibration = documentOf({ policy: 'entropy', thresholds: [null, 0.4] });
  return { models, package: await writeTestPackage(models, { calibration }) };
}

test(`changed ${CHANGES} times under load, no request fails and no answer mixes two versions`, async (t) => {
  const { models, package: one } = await writeModels();
  const { classifier, url, samples } = await startTestService(t, {
    config: { models, workers: 2 },
  });
  const answers: Prediction[] = [];
  let changing = true;
  const clients = Array.from({ length: 3 }, async (_, client) => {
    for (let sent = client; changing; sent++) {
      answers.push(await predict(url, images[sent % images.length] as Buffer));
    }
  });
  for (let index = 1; index <= CHANGES; index++) {
    await write(one, version(index, one.manifest));
    await classifier.reload();
    const { exit, flops, certified } = await predict(url, images[index % images.length] as Buffer);
    if (exit.reason === 'confident') assert.equal(exit.threshold, thresholdOf(index));
    assert.equal(certified, index % 2 === 0, 'the next request has it');
    assert.ok(flops.executed > 0);
  }
  changing = false;
  await Promise.all(clients);

  const costs = costsOf(one);
  const seen = new Set<number>();
  for (const { exit, certified, flops } of answers) {
    if (exit.threshold === null || exit.threshold === 0.4) continue;
    const index = Math.round((exit.threshold - 0.5) * 1000);
    seen.add(index);
    assert.equal(exit.threshold, thresholdOf(index));
    assert.equal(certified, index % 2 === 0);
    assert.equal(flops.executed, costs(index, exit.index));
  }
  assert.ok(seen.size > CHANGES / 4, `answers under ${seen.size} versions`);
  const labels = { model: 'tiny', version: '1' };
  const { sum } = await samples();
  assert.equal(sum('rdi_calibration_reloads_total', { ...labels, result: 'swapped' }), CHANGES);
  assert.equal(sum('rdi_calibration_reloads_total', { result: 'refused' }), 0);
  assert.equal(sum('rdi_certificate_info', { ...labels, profile: 'changing' }), 1, 'only the last one');
});

/** The FLOPs of each exit under a version, computed independently. */
function costsOf({ manifest: { exits } }: ModelPackage): (index: number, exit: number) => number {
  return (index, exit) =>
    exits.slice(0, exit + 1).reduce((sum, { flops }, at) => {
      const isActive = at === exit || (at === 0 && index % 3 !== 0) || (at === 1 && index % 3 !== 1);
      return sum + flops.stage + (isActive ? flops.head : 0);
    }, 0);
}

test('a request in flight keeps its profile, and later requests do not wait for it', async (t) => {
  const { models, package: one } = await writeModels();
  const director = createDirector(t);
  const { classifier, url } = await startTestService(t, {
    config: { models, workers: 1 },
    engineModule: director.engineModule,
  });
  const started = (await director.runs()).length;
  await director.hold();
  const before = images.map((image) => predict(url, image));
  await until(async () => (await director.runs()).length > started);
  await write(one, { policy: 'entropy', thresholds: [null, 0.999] });
  await classifier.reload();
  await director.release();
  const thresholds = (await Promise.all(before)).flatMap(({ exit }) => exit.threshold ?? []);
  assert.ok(thresholds.length > 0);
  assert.deepEqual([...new Set(thresholds)], [0.4]);
  const after = await Promise.all(images.map((image) => predict(url, image)));
  assert.deepEqual([...new Set(after.flatMap(({ exit }) => exit.threshold ?? []))], [0.999]);
});

test('profiles that cannot be served are refused with an error; the old ones stay until repaired', async (t) => {
  const { models, package: one } = await writeModels();
  const { classifier, url, log, samples } = await startTestService(t, {
    config: { models },
  });
  const lateAnswers = async () =>
    (await Promise.all(images.map((image) => predict(url, image)))).flatMap(
      ({ exit }) => exit.threshold ?? [],
    );
  const refusals: [() => Promise<void>, RegExp][] = [
    [() => writeFile(join(one.directory, 'calibration.json'), '{'), /calibration\.json has 1 bytes/],
    [() => write(one, { policy: 'entropy', thresholds: [0.1] }), /1 thresholds for 2 side exits/],
    [() => write(one, { policy: 'entropy', thresholds: [null, 7] }), /threshold 7 .* from 0 to 1/],
  ];
  for (const [count, [damage, reason]] of refusals.entries()) {
    await damage();
    await classifier.reload();
    const { level, reason: said } = log.findLast(({ msg }) => /refused/.test(`${msg}`)) ?? {};
    assert.match(`${said}`, reason);
    assert.equal(level, 50);
    const { sum } = await samples();
    assert.equal(sum('rdi_calibration_refused', { model: 'tiny' }), 1);
    assert.equal(sum('rdi_calibration_reloads_total', { result: 'refused' }), count + 1);
    assert.ok((await lateAnswers()).every((threshold) => threshold === 0.4));
  }
  await write(one, { policy: 'entropy', thresholds: [null, 0.999] });
  await classifier.reload();
  assert.equal((await samples()).sum('rdi_calibration_refused'), 0);
  assert.ok((await lateAnswers()).every((threshold) => threshold === 0.999));
});

test('profiles that no worker was left to check are retried when there is one, and logged once', async (t) => {
  const { models, package: one } = await writeModels();
  const director = createDirector(t);
  const { url, log } = await startTestService(t, {
    config: { models, reloadSeconds: 0.05 },
    engineModule: director.engineModule,
  });
  await director.refuse();
  const [image] = await testImages(1);
  assert.ok(image);
  const deadly = await fromPixels(marked(image.pixels, 'exit'), 16, 16, 3).png().toBuffer();
  await assertProblem(await classify(url, deadly), 'worker-lost');
  await write(one, { policy: 'entropy', thresholds: [1, 1] });
  const refusals = () => log.filter(({ reason }) => reason === 'No worker is left that could check it.');
  await until(() => refusals().length > 0);
  await director.accept();
  await until(() => log.some(({ msg }) => msg === 'profiles swapped'));
  assert.equal(refusals().length, 1);
  assert.equal((await predict(url, image.png)).exit.threshold, 1);
});

test('profiles written before their network is complete are loaded when it is complete', async (t) => {
  const { models, package: one } = await writeModels();
  const graph = join(one.directory, 'model.onnx');
  const whole = await readFile(graph);
  const { log } = await startTestService(t, { config: { models, reloadSeconds: 0.05 } });
  await writeFile(graph, whole.subarray(0, 1000));
  await write(one, { policy: 'entropy', thresholds: [1, 1] });
  await until(() => log.some(({ reason }) => /^model\.onnx has 1000 bytes/.test(`${reason}`)));
  await writeFile(graph, whole);
  await until(() => log.some(({ msg }) => msg === 'profiles swapped'));
});

test('a changed file is found by itself, and at once with SIGHUP', async (t) => {
  const { models, package: one } = await writeModels();
  const seconds = (flag: string) => startProcess(t, models, ['--reload-seconds', flag]);
  const [watching, told] = await Promise.all([seconds('0.05'), seconds('0')]);
  await write(one, { policy: 'entropy', thresholds: [1, 1] });
  told.child.kill('SIGHUP');
  for (const { url, logged } of [watching, told]) {
    await until(() => logged('profiles swapped').length > 0);
    const { exit } = await predict(url, images[0] as Buffer);
    assert.deepEqual([exit.index, exit.threshold], [0, 1]);
    assert.equal((await classify(url, images[0] as Buffer)).status, 200);
  }
});
