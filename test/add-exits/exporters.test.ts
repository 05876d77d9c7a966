// Networks as exporters write them, with exits added: a transformer's tokens, ConvNeXt's mixed layouts, channels last. What
// the final exit says stays as it was, and features are what the heads of the written file take.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { openFeatureStore } from '../../src/add-exits/cache/feature-store.js';
import { findCandidates } from '../../src/add-exits/find-candidates.js';
import { logitsOf, withExits } from '../../src/add-exits/heads/exit-graph.js';
import { applyHead } from '../../src/add-exits/heads/linear-products.js';
import { observe, readObservations, rowWidth } from '../../src/add-exits/observe.js';
import { readPlainNetwork } from '../../src/add-exits/plain-network.js';
import { withoutCopies } from '../../src/add-exits/split.js';
import { createImageTensor } from '../../src/cascade/image-tensor.js';
import { createConfig } from '../../src/config/config.js';
import { createDecoder } from '../../src/decoding/decode.js';
import { createEngine } from '../../src/engines/onnx.js';
import { createUniform } from '../../src/foundation/random.js';
import { everyStage } from '../../src/packages/golden-outputs.js';
import { readNetwork } from '../../src/packages/package.js';
import { syntheticImages } from '../../src/packages/synthetic-images.js';
import { describeExport, exportsOf, fileOf, writeExport } from '../support/exports/exports.js';
import { fromPixels } from '../support/images/images.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const IMAGES = 6;
const engine = createEngine();
const decoder = createDecoder(createConfig());
const images = syntheticImages({ height: 32, width: 32, channels: 3 }, IMAGES, 2);
const samples = await withoutCopies(
  await Promise.all(
    images.map(async (pixels, index) => {
      const png = await fromPixels(pixels, 32, 32, 3).png().toBuffer();
      return { name: `${index}`, label: '', mediaType: 'image/png' as const, read: async () => png };
    }),
  ),
);

for (const [name, exported] of Object.entries(exportsOf)) {
  test(`exits are added to ${name}`, async () => {
    const folder = join(temporaryFolder(), name);
    const exits = exported.exits.slice(-1);
    await writeExport(folder, describeExport(name, { ...exported, exits }), fileOf(name));
    const plain = await readPlainNetwork(engine, folder, {});
    const candidates = await findCandidates(engine, plain);
    assert.ok(candidates.length > 0);
    const features = await openFeatureStore(temporaryFolder(), rowWidth(candidates, 10));
    await observe({ engine, decoder, plain, candidates, samples, features, onProgress() {} });
    const seen = await readObservations(features, samples, candidates, 10);

    const uniform = createUniform(1);
    const random = (count: number) => Float32Array.from({ length: count }, () => uniform() - 0.5);
    const added = candidates.map((candidate, index) => ({
      ...candidate,
      name: `exit-${index + 1}`,
      head: { weight: random(10 * candidate.form.count), bias: random(10) },
    }));
    const final = exits[0]?.logits ?? '';
    const network = readNetwork(withExits(plain.graph, 10, added), {
      ...plain.description,
      input: plain.input,
      exits: [
        ...added.map(({ name: exit, tensor }) => ({ name: exit, logits: logitsOf(exit), cut: tensor })),
        { name: 'final', logits: final },
      ],
    });
    const segments = await engine.load(everyStage(network));
    let rows = createImageTensor(plain.input, engine.imageLayout)(Buffer.concat(images));
    for (const [index, segment] of segments.entries()) {
      const { logits, cut } = await segment.run(rows, IMAGES);
      const features = seen.features[index];
      const expected = features
        ? await applyHead(engine, features, (added[index] as (typeof added)[number]).head)
        : seen.logits.values;
      assert.equal(logits.length, expected.length);
      logits.forEach((value, place) => {
        assert.ok(Math.abs(value - (expected[place] as number)) < 1e-3, `exit ${index}`);
      });
      rows = cut ?? rows;
      await segment.release();
    }
  });
}
