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

test('no number in words promises more than was tested', () => {
  const words = (delta: number, epsilon: number, cost: number) =>
    statementOf({
      risks: [
        { loss: 'consistency', data: 'clean', epsilon, observed: 0, pValue: 0, test: 'exact binomial' },
        { loss: 'error', data: 'clean', epsilon, observed: 0, pValue: 0, test: 'betting' },
      ],
      delta,
      flops: { mean: cost, bound: cost, budget: cost },
      images,
    });
  assert.match(words(1e-5, 0.01, 1e6), /^With confidence 99\.999 %/);
  assert.match(
    words(0.05, 0.0012344, 1e6),
    /at most 0\.12344 % of answers .* at most 0\.12344 percentage points/,
  );
  assert.match(
    words(0.07, 0.07, 1e6),
    /^With confidence 93 %.* at most 7 % of answers .* at most 7 percentage points/,
  );

  for (const [cost, mean, bound] of [
    [3_642_071, '3.642', '3.643'],
    [3_642_000, '3.642', '3.642'],
    [999_949_001, '999.9', '1000'],
    [999_960_000, '1000', '1000'],
    [12_341_000_000, '12340', '12350'],
    [123.41, '0.0001234', '0.0001235'],
    [0, '0.000', '0.000'],
  ] as const) {
    const statement = words(0.05, 0.01, cost);
    assert.ok(statement.includes(`the mean cost is at most ${bound} MFLOPs`), statement);
    assert.ok(
      statement.includes(`there was ${mean} MFLOPs an image, with the same confidence at most ${bound}.`),
    );
  }
});
