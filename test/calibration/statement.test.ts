import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statementOf } from '../../src/calibration/statement.js';

const images = { tune: 2500, cal: 2500, seed: 1 };
const flops = { mean: 3_120_000, bound: 3_773_000 };

test('a certificate says in words what it promises, of which images, and how surely', () => {
  const statement = statementOf({
    risks: [
      { loss: 'consistency', data: 'clean', epsilon: 0.005, observed: 0, pValue: 0, test: 'exact binomial' },
      { loss: 'error', data: 'clean', epsilon: 0.01, observed: 0, pValue: 0, test: 'betting' },
      { loss: 'error', data: 'adversarial', epsilon: 0.02, observed: 0, pValue: 0, test: 'betting' },
    ],
    adversarialCopies: { attack: 'PGD', sha256: '' },
    delta: 0.01,
    flops,
    images,
  });
  for (const part of [
    'With confidence 99 %',
    'at most 0.5 % of answers differ',
    ', and accuracy is at most 1 percentage point below the full network’s',
    'copies of such images attacked by PGD, accuracy is at most 2 percentage points below',
    'Tested on 2500 images and their copies',
    'by any other attack.',
  ]) {
    assert.ok(statement.includes(part), `${part} in: ${statement}`);
  }
  assert.ok(!statement.includes('the mean cost is at most'), 'no budget was promised');
});

test('a budget is part of the promise', () => {
  const statement = statementOf({ risks: [], delta: 0.05, flops: { ...flops, budget: 5e6 }, images });
  assert.match(statement, /^With confidence 95 %, .* the mean cost is at most 5\.000 MFLOPs an image\. /);
  assert.ok(!statement.includes('copies'));
});
