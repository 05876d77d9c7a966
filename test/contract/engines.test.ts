// All three engines give the same answers. Every engine is tested for: the golden outputs of every shipped model at
// every exit, staged equals whole, batches equal singles, no stage runs after the exit taken, and over HTTP the answers
// of the ONNX engine. RDI_DATA adds 1,000 images of MNIST with the shipped model.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createImageTensor } from '../../src/cascade/image-tensor.js';
import { loadSegments } from '../../src/cascade/self-check.js';
import { openDataSet } from '../../src/datasets/open-data-set.js';
import type { Segment, SegmentSource } from '../../src/engines/engine.js';
import { GRAPH_FILE } from '../../src/format/documents.js';
import { extractSegment } from '../../src/network/segments.js';
import { everyStage } from '../../src/packages/golden-outputs.js';
import { readNetwork } from '../../src/packages/package.js';
import { findPackages } from '../../src/packages/repository.js';
import type { Prediction } from '../../src/serving/prediction.js';
import { assertSameAnswer } from '../support/agreement.js';
import { createDirector } from '../support/engines/directed-engine.js';
import { engines } from '../support/engines/engines.js';
import { calibration, testImages, writeProfiledPackage } from '../support/packages/profiled-package.js';
import { largestDifference } from '../support/packages/run-model.js';
import { classifyBatch, predict } from '../support/service/requests.js';
import { startTestService } from '../support/service/service.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const GOLDEN_TOLERANCE = 1e-4;
const IMAGES = 96;
const DATA_IMAGES = 1000;
const BATCH = 32;

const shippedModels = fileURLToPath(new URL('../../../models', import.meta.url));
const { packages } = await findPackages(shippedModels);
const tinyModels = temporaryFolder();
await writeProfiledPackage(tinyModels);
const images = (await testImages(IMAGES, 11)).map(({ png }) => png);
const data = process.env['RDI_DATA'];

/** By profile: the ONNX engine's answers, which staged-equals-whole.test.ts compares with the whole graph. */
const expected = new Map<string, Prediction[]>();
{
  const { url } = await startTestService({ after }, { config: { models: tinyModels } });
  for (const profile of Object.keys(calibration.profiles)) {
    expected.set(profile, await answers(url, images, { profile, topK: 10 }));
  }
}

async function answers(
  url: string,
  files: readonly Uint8Array[],
  query: Readonly<Record<string, string | number>>,
): Promise<Prediction[]> {
  const predictions: Prediction[] = [];
  for (let start = 0; start < files.length; start += BATCH) {
    const response = await classifyBatch(url, files.slice(start, start + BATCH), query);
    const { results } = (await response.json()) as { results: { prediction?: Prediction }[] };
    for (const { prediction } of results) {
      assert.ok(prediction);
      predictions.push(prediction);
    }
  }
  return predictions;
}

it('there is a shipped model', () => assert.ok(packages.length > 0));

for (const { name, skip, create } of engines) {
  describe(`the engine ${name}`, { skip }, () => {
    for (const model of packages) {
      const { manifest, golden } = model;
      const id = `${manifest.name}/${manifest.version}`;
      const pixels = Buffer.concat(golden.cases.map((one) => Buffer.from(one.pixels, 'base64')));
      const count = golden.cases.length;

      it(`${id}: golden outputs at every exit, through the segments of every profile`, async () => {
        const strict = { ...golden, tolerance: GOLDEN_TOLERANCE };
        const loaded = await loadSegments(await create(), { ...model, id, golden: strict });
        assert.equal(loaded.size, model.segments.length);
        await release([...loaded.values()]);
      });

      it(`${id}: staged equals whole, batches equal singles`, async () => {
        const engine = await create();
        const network = readNetwork(await readFile(join(model.directory, GRAPH_FILE)), manifest);
        const stages = everyStage(network);
        const wholes = stages.map(({ to }) => extractSegment(network, { from: -1, to }));
        const sources: SegmentSource[] = [...stages, ...wholes];
        const segments = await engine.load(sources);
        const rows = createImageTensor(manifest.input, engine.imageLayout)(pixels);
        let staged = rows;
        for (const [exit] of stages.entries()) {
          const [stage, whole] = [segments[exit], segments[stages.length + exit]];
          assert.ok(stage && whole);
          const output = await stage.run(staged, count);
          const direct = await whole.run(rows, count);
          assert.ok(largestDifference(output.logits, direct.logits) <= GOLDEN_TOLERANCE, `exit ${exit}`);

          const size = staged.length / count;
          const classes = output.logits.length / count;
          for (let image = 0; image < count; image++) {
            const alone = await stage.run(staged.slice(image * size, (image + 1) * size), 1);
            const together = output.logits.subarray(image * classes, (image + 1) * classes);
            assert.ok(largestDifference(alone.logits, together) <= GOLDEN_TOLERANCE, `image ${image}`);
          }
          staged = output.cut ?? staged;
        }
        await release(segments);
      });
    }

    it('answers over HTTP as onnx does, alone and in batches, and runs no stage behind the exit taken', async (t) => {
      const director = createDirector(t, name);
      const { url, log } = await startTestService(t, {
        config: { models: tinyModels },
        engineModule: director.engineModule,
      });
      assert.deepEqual(
        log.filter(({ msg }) => msg === 'model refused'),
        [],
      );
      for (const [profile, wanted] of expected) {
        const before = (await director.runs()).length;
        const query = { profile, topK: 10 };
        const batched = await answers(url, images, query);
        const alone = await Promise.all(images.slice(0, 16).map((png) => predict(url, png, query)));
        for (const [some, how] of [
          [batched, 'in a batch'],
          [alone, 'alone'],
        ] as const) {
          some.forEach((answer, image) => {
            assertSameAnswer(answer, wanted[image] as Prediction, `${profile}, image ${image} ${how}`);
          });
        }
        const runs = (await director.runs()).slice(before);
        const thresholds = calibration.profiles[profile]?.thresholds ?? [];
        for (const [exit, threshold] of [...thresholds, 1].entries()) {
          const executed = runs.filter(({ to }) => to === exit).reduce((sum, { batch }) => sum + batch, 0);
          const reaching = [...batched, ...alone].filter(({ exit: { index } }) => index >= exit).length;
          assert.equal(executed, threshold === null ? 0 : reaching, `${profile}, images at exit ${exit}`);
        }
      }
    });
  });
}

describe('1,000 images of MNIST over HTTP', { skip: !data && 'RDI_DATA names no data sets' }, async () => {
  const files = data === undefined ? [] : await mnist(data);
  const wanted: Prediction[] = [];

  for (const { name, skip } of engines) {
    it(`as onnx: ${name}`, { skip }, async (t) => {
      const config = { models: shippedModels, defaultModel: 'mnist-smallcnn', engine: name };
      const { url } = await startTestService(t, { config });
      const given = await answers(url, files, { topK: 10 });
      if (name === 'onnx') wanted.push(...given);
      assert.equal(given.length, DATA_IMAGES);
      const turned = given.filter((answer, image) =>
        assertSameAnswer(answer, wanted[image] as Prediction, `image ${image}`),
      );
      t.diagnostic(`${turned.length} of ${given.length} decisions were ties that rounding turned`);
    });
  }
});

async function mnist(folder: string): Promise<Uint8Array[]> {
  const set = await openDataSet(join(folder, 'mnist', 'test-images-idx3-ubyte.gz'), undefined, {
    labelled: false,
  });
  return Promise.all(set.samples.slice(0, DATA_IMAGES).map((sample) => sample.read()));
}

async function release(segments: readonly Segment[]): Promise<void> {
  await Promise.all(segments.map((segment) => segment.release()));
}
