// POST /classify?explain=…: what an answer says about each exit is what the exit says when a request is made to end there.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Prediction } from '../../../src/serving/prediction.js';
import { createDirector } from '../../support/engines/directed-engine.js';
import { calibration, testImages } from '../../support/packages/profiled-package.js';
import { assertProblem, classify, classifyBatch, predict } from '../../support/service/requests.js';
import { startTestService } from '../../support/service/service.js';

const director = createDirector({ after });
const { url, samples, classifier } = await startTestService(
  { after },
  { engineModule: director.engineModule },
);
const images = (await testImages(24, 11)).map(({ png }) => png);
const [png] = images as [Buffer];
const model = classifier.catalog.find();
const profiles = [...Object.keys(calibration.profiles), 'full'];
/** Tolerance for single-precision sums in another order: other exits end other segments. */
const TOLERANCE = 1e-5;

/** An answer without what differs between two requests for it. */
function comparable({ timing, flops, explanation, ...answer }: Prediction) {
  return answer;
}

function assertClose(actual: Prediction['top'], expected: Prediction['top']): void {
  assert.deepEqual(
    actual.map(({ label }) => label),
    expected.map(({ label }) => label),
  );
  actual.forEach(({ probability }, rank) => {
    assert.ok(Math.abs(probability - (expected[rank]?.probability ?? Number.NaN)) < TOLERANCE);
  });
}

for (const profile of profiles) {
  test(`${profile}: every exit explained says what it says as the last one, at the cost of the whole path`, async () => {
    const path = model.profiles.get(profile)?.paths.at(-1) ?? [];
    for (const image of images) {
      const plain = await predict(url, image, { profile, topK: 10 });
      const onPath = await predict(url, image, { profile, topK: 10, explain: 'path' });
      const whole = await predict(url, image, { profile, topK: 10, explain: 'full' });
      assert.equal(plain.explanation, undefined);
      assert.deepEqual(comparable(onPath), comparable(plain));
      assert.deepEqual(comparable(whole), comparable(plain));

      const exits = whole.explanation?.exits ?? [];
      assert.equal(whole.explanation?.policy, model.profiles.get(profile)?.policy);
      assert.deepEqual(
        exits.map(({ index, name, threshold, flops }) => ({ index, name, threshold, flops })),
        path.map(({ exit, threshold, flops }) => {
          return { index: exit, name: ['exit-0', 'exit-1', 'final'][exit], threshold, flops };
        }),
      );
      const taken = exits.findIndex(({ index, cleared }) => cleared || index === 2);
      assert.deepEqual(onPath.explanation?.exits, exits.slice(0, taken + 1));
      assert.equal(exits[taken]?.index, plain.exit.index);
      assert.equal(exits[taken]?.score, plain.exit.score);
      assert.deepEqual(exits[taken]?.top, plain.top);
      assert.deepEqual(onPath.flops, plain.flops);
      assert.equal(whole.flops.executed, path.at(-1)?.flops);
      assert.equal(whole.flops.saved, whole.flops.full - whole.flops.executed);

      for (const { index, top } of exits) {
        const forced = await predict(url, image, { profile: 'full', maxExit: index, topK: 10 });
        assertClose(top, forced.top);
        if (profile === 'default' && index < 2) {
          // The same policy as the profile `full`.
          assert.ok(Math.abs((exits[index]?.score ?? 0) - forced.exit.score) < TOLERANCE);
        }
      }
    }
  });
}

test('what is run for an explanation is counted; nothing else is run', async () => {
  const [before, runsBefore] = [await samples(), (await director.runs()).length];
  const plain = await predict(url, png);
  assert.equal(plain.exit.index, 0, 'this image leaves at the first exit');
  assert.equal((await director.runs()).length - runsBefore, 1);
  await predict(url, png, { explain: 'path' });
  assert.equal((await director.runs()).length - runsBefore, 2);
  const whole = await predict(url, png, { explain: 'full' });
  assert.equal((await director.runs()).length - runsBefore, 5);
  const now = await samples();
  assert.equal(
    now.sum('rdi_flops_total') - before.sum('rdi_flops_total'),
    2 * plain.flops.executed + whole.flops.executed,
  );
  assert.equal(
    now.sum('rdi_predictions_total', { exit: 0 }) - before.sum('rdi_predictions_total', { exit: 0 }),
    3,
  );
});

test('a full explanation is refused where maxFlops or maxExit does not allow it; one of the path is not', async () => {
  const cost = model.profiles.get('default')?.paths.at(-1)?.at(-1)?.flops ?? 0;
  for (const limit of [{ maxFlops: cost - 1 }, { maxExit: 1 }]) {
    const { detail } = await assertProblem(
      await classify(url, png, { ...limit, explain: 'full' }),
      'invalid-query',
    );
    assert.match(detail, new RegExp(`^explain: .*${cost} FLOPs.*explain=path\\.$`));
    const { explanation, exit } = await predict(url, png, { ...limit, explain: 'path' });
    assert.equal(explanation?.exits.at(-1)?.index, exit.index);
  }
  await predict(url, png, { maxFlops: cost, explain: 'full' });
  for (const explain of ['', 'true', 'all']) {
    await assertProblem(await classify(url, png, { explain }), 'invalid-query');
  }
});

test('explained and other requests at the same time, and images of a batch, have the answers they have alone', async () => {
  const options = [{}, { explain: 'path' }, { explain: 'full' }];
  const alone = await Promise.all(
    options.map(async (query) => {
      const answers: Prediction[] = [];
      for (const image of images) answers.push(await predict(url, image, query));
      return answers;
    }),
  );
  const together = await Promise.all(
    options.map((query) => Promise.all(images.map((image) => predict(url, image, query)))),
  );
  const batched = await Promise.all(
    options.map(async (query) => {
      const response = await classifyBatch(url, images, query);
      const { results } = (await response.json()) as { results: { prediction: Prediction }[] };
      return results.map(({ prediction }) => prediction);
    }),
  );
  const untimed = (answers: Prediction[][]) => answers.flat().map(({ timing, ...answer }) => answer);
  const rounded = (answers: Prediction[][]) =>
    JSON.parse(
      JSON.stringify(untimed(answers), (_, value) =>
        typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(4) : value,
      ),
    );
  assert.deepEqual(rounded(together), rounded(alone));
  assert.deepEqual(rounded(batched), rounded(alone));
});
