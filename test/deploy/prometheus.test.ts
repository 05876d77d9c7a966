// A real Prometheus scrapes a real service under a mixed load, by the shipped configuration with shorter times. Every
// query of every dashboard and every rule must find data, and every alert that can be caused here fires.
import assert from 'node:assert/strict';
import { cp, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { createApiKey } from '../../src/access/keys-file.js';
import type { CalibrationDocument, ProfileDocument } from '../../src/format/profiles.js';
import { createDirector, marked } from '../support/engines/directed-engine.js';
import { fromPixels } from '../support/images/images.js';
import { withCertificate } from '../support/packages/certificate.js';
import { readJson, writeListed } from '../support/packages/packages.js';
import { testImages, writeProfiledPackage } from '../support/packages/profiled-package.js';
import { classify, classifyBatch, post } from '../support/service/requests.js';
import { startTestService } from '../support/service/service.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { dashboardQueries, readRules, readText, root, ruleFiles, scalingQueries } from './files.js';
import { startPrometheus, without } from './prometheus-process.js';

const WINDOW = '10s';
const PLACES = 16;
const PATIENCE_ROUNDS = 120;
const SHIPPED = 'mnist-smallcnn/2';

/** Alerts that are not caused here, and why; promtool's tests make them fire. */
const notCaused: Readonly<Record<string, string>> = {
  RdiServeAbsent: 'there are targets from the first scrape on',
  RdiServeRestarting: 'the service is this process',
  RdiEngineFallback: 'the test says which engine, so none is passed over',
  RdiVersionsDiffer: 'there is one instance',
  RdiDegraded: 'most requests of this load name their profile',
  RdiSlowdown: 'these clients send what the certificates were made for',
  RdiLogLinesDropped: 'this service keeps its log in memory, which takes every line',
};

const skip = without('prometheus');

test('every query finds data, every alert that can be caused fires', { skip }, async (t) => {
  const director = createDirector(t);
  const service = await startTestService(t, {
    engineModule: director.engineModule,
    config: {
      workers: 2,
      maxInFlight: PLACES,
      maxBatch: 4,
      reloadSeconds: 1,
      auditFraction: 1,
      ladder: 'default,softmax',
      ladderTargetMs: 1,
    },
    writePackages,
  });
  const { key, file: apiKeysFile } = await writeKeys();
  const withClients = await startTestService(t, { config: { apiKeysFile } });
  // The file is not valid any more. The keys stay, also the one by which Prometheus scrapes.
  await writeFile(apiKeysFile, 'no keys');
  await withClients.apiKeys?.reload();
  const prometheus = await startPrometheus(t, configuration([service, withClients], key));
  // Changed while it is served, to something that cannot be.
  await writeListed(path.join(service.config.models, SHIPPED), 'calibration.json', 'no profiles');
  let enough = false;
  const load = putUnderLoad(service.url, director, () => enough);

  const rules = readRules();
  const queries = [
    ...dashboardQueries(WINDOW),
    ...scalingQueries(),
    ...rules.flatMap(({ record }) => (record === undefined ? [] : [{ place: record, expression: record }])),
  ];
  const silent = new Map(queries.map(({ place, expression }) => [place, expression]));
  const quiet = new Set(
    rules.flatMap(({ alert }) => (alert === undefined || notCaused[alert] ? [] : [alert])),
  );
  try {
    for (let round = 0; round < PATIENCE_ROUNDS && silent.size + quiet.size > 0; round++) {
      for (const [place, expression] of silent) {
        const samples = await prometheus.query(expression);
        if (samples.some(({ value }) => Number.isFinite(value))) silent.delete(place);
      }
      for (const alert of await prometheus.firing()) quiet.delete(alert);
      await sleep(1000);
    }
  } finally {
    enough = true;
    await load;
  }
  assert.deepEqual([...silent], [], 'queries without data');
  assert.deepEqual([...quiet], [], 'alerts that did not fire');
  assert.deepEqual(await prometheus.sickRules(), []);
});

/** A key for a client that has a budget. */
async function writeKeys(): Promise<{ readonly key: string; readonly file: string }> {
  const { key, line } = createApiKey('team-a');
  const file = path.join(temporaryFolder(), 'keys');
  await writeFile(file, `${line}\nteam-a flops-per-second=1e9\n`);
  return { key, file };
}

/** The shipped configuration: every second instead of minutes, scraping `services` and an address where nothing is. */
function configuration(
  services: readonly { readonly port: number }[],
  credentials: string,
): Record<string, string> {
  const shipped = parse(readText('deploy/prometheus/prometheus.yml')) as {
    global: object;
    scrape_configs: [{ job_name: string; dns_sd_configs: object }];
  };
  const [{ dns_sd_configs: _, ...job }] = shipped.scrape_configs;
  const targets = [...services.map(({ port }) => port), 1].map((port) => `127.0.0.1:${port}`);
  const config = {
    ...shipped,
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    scrape_configs: [{ ...job, authorization: { credentials }, static_configs: [{ targets }] }],
  };
  const hastened = ruleFiles.map((file): [string, string] => [
    file,
    readText(`deploy/prometheus/${file}`)
      .replace(/\[\d+[smhd]\]/g, `[${WINDOW}]`)
      .replace(/\bfor: \d+[smhd]/g, 'for: 0s')
      // So many images within an hour; here, within the window.
      .replaceAll('> 1000', '> 10'),
  ]);
  return { 'prometheus.yml': stringify(config), ...Object.fromEntries(hastened) };
}

/**
 * Three models. Only `tiny` fits the ladder. It has a profile `reckless` whose certificate cannot hold, as every image leaves at once. The shipped
 * one has a certificate made void by another threshold. The third is to be refused.
 */
async function writePackages(directory: string): Promise<void> {
  const tiny = (await writeProfiledPackage(directory)).package;
  await editCalibration(tiny.directory, ({ profiles }) => {
    for (const name of ['default', 'softmax']) {
      profiles[name] = withCertificate(tiny.manifest, profiles[name] as ProfileDocument);
    }
    profiles['reckless'] = withCertificate(tiny.manifest, { policy: 'entropy', thresholds: [1, 1] });
  });
  const shipped = path.join(directory, SHIPPED);
  await cp(path.join(root, 'models', SHIPPED), shipped, { recursive: true });
  await editCalibration(shipped, ({ profiles }) => {
    profiles['fast']?.thresholds.fill(0.4);
  });
  const broken = await writeProfiledPackage(directory, { name: 'broken' });
  await writeFile(path.join(broken.package.directory, 'model.onnx'), 'no network');
}

async function editCalibration(
  directory: string,
  change: (calibration: CalibrationDocument) => void,
): Promise<void> {
  const calibration = await readJson<CalibrationDocument>(path.join(directory, 'calibration.json'));
  change(calibration);
  await writeListed(directory, 'calibration.json', JSON.stringify(calibration));
}

/** Rounds of everything that users and accidents do, until `enough`. */
async function putUnderLoad(
  url: string,
  director: ReturnType<typeof createDirector>,
  enough: () => boolean,
): Promise<void> {
  const images = await testImages(8);
  const files = images.map(({ png }) => png);
  const [image, file] = [images[0]?.pixels ?? new Uint8Array(), files[0] ?? Buffer.alloc(0)];
  const [throws, kills] = await Promise.all(
    (['throw', 'exit'] as const).map((mark) => fromPixels(marked(image, mark), 16, 16, 3).png().toBuffer()),
  );
  const tiny = { model: 'tiny' };
  const queries = [
    ...['default', 'softmax', 'margin', 'full', 'reckless'].map((profile) => ({ ...tiny, profile })),
    { ...tiny, maxExit: 0 },
    { model: 'mnist-smallcnn' },
    { model: 'mnist-smallcnn', profile: 'fast' },
  ];

  while (!enough()) {
    for (const query of queries) await answers(files.map((png) => classify(url, png, query)));
    await answers([
      classifyBatch(url, files, tiny),
      classify(url, Buffer.from('no image'), tiny),
      classify(url, file, { model: 'unknown' }),
      post(`${url}/classify`, 'text', 'text/plain'),
      fetch(`${url}/models`),
      classify(url, throws ?? file, tiny),
    ]);
    await answers([classify(url, kills ?? file, tiny)]);
    // Overload: the engine stands still, three times as many requests come as there are places, and even the event
    // loop hangs for a while.
    await director.hold();
    const crowd = Array.from({ length: 3 * PLACES }, () => classify(url, file, tiny));
    await sleep(500);
    // More than once: a single hitch within a second is above the 99th percentile of a quiet one.
    for (let hitch = 0; hitch < 4; hitch++) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
      await sleep(20);
    }
    await sleep(500);
    await director.release();
    await answers(crowd);
  }
}

async function answers(requests: readonly Promise<Response>[]): Promise<void> {
  for (const response of await Promise.all(requests)) await response.arrayBuffer();
}
