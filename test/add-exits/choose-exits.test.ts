// The choice of exits by time: what saves nothing is left out, and no more are taken than are wanted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ChoiceOptions, chooseExits } from '../../src/add-exits/choose-exits.js';
import { timesFrom } from '../../src/add-exits/times/measure-times.js';
import { createUniform } from '../../src/foundation/random.js';

const [IMAGES, CLASSES] = [2000, 4];
const uniform = createUniform(9);
const right = Int32Array.from({ length: IMAGES }, () => Math.floor(CLASSES * uniform()));

/** Sure and right for a share of the images, unsure and guessing for the others. */
function logitsThatKnow(share: number): Float32Array {
  const logits = new Float32Array(IMAGES * CLASSES);
  right.forEach((label, image) => {
    const knows = image < share * IMAGES;
    const answer = knows ? label : Math.floor(CLASSES * uniform());
    logits[image * CLASSES + answer] = knows ? 6 + uniform() : 0.5 * uniform();
  });
  return logits;
}

const usual: ChoiceOptions = {
  candidates: [logitsThatKnow(0.5), logitsThatKnow(0.52), logitsThatKnow(0.9)],
  final: logitsThatKnow(1),
  classes: CLASSES,
  times: { stages: [0.1, 0.1, 0.3, 0.5], heads: [0.01, 0.01, 0.01], whole: 1 },
  epsilons: [0.01, 0.02],
  delta: 0.05,
  mostExits: 3,
};

test('the exits that save most time together are taken, in the order of the network', () => {
  const { chosen, expected } = chooseExits(usual);
  assert.deepEqual(chosen, [0, 2]);
  const [strict = 1, lax = 1] = expected;
  assert.ok(strict < 0.4 && strict > 0.25, `half at 0.11, most others at 0.52, the rest in full: ${strict}`);
  assert.ok(lax <= strict);
});

test('not more than wanted', () => {
  const { chosen } = chooseExits({ ...usual, mostExits: 1 });
  assert.equal(chosen.length, 1);
});

test('none where heads take more time than they save, or know nothing', () => {
  const dear = { ...usual.times, heads: [0.9, 0.9, 0.9] };
  assert.deepEqual(chooseExits({ ...usual, times: dear }), { chosen: [], expected: [1, 1] });
  const ignorant = [0, 0, 0].map(logitsThatKnow);
  assert.deepEqual(chooseExits({ ...usual, candidates: ignorant }).chosen, []);
});

test('what calls of the engine cost is charged to the exits, and stages add up to the whole', () => {
  const { stages, heads, whole } = timesFrom([3, 4, 5], [0.5, 0.5], 10);
  assert.equal(whole, 10);
  assert.deepEqual(heads, [1, 1], 'one second too much, over two calls more');
  assert.equal(
    stages.reduce((sum, stage) => sum + stage, 0),
    10,
  );
  assert.deepEqual(timesFrom([0.1, 5], [0.2], 6).heads, [0.2], 'no call costs less than nothing');
});
