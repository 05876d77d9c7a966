// Which images do what: never two things at once, not even as copies of each other, and enough of each.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fewestToTest, type HashedSample, splitSamples, withoutCopies } from '../../src/add-exits/split.js';
import { UsageError } from '../../src/foundation/errors.js';

function samples(count: number, prefix = ''): HashedSample[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `${prefix}${index}`,
    label: '',
    sha256: `of ${prefix}${index}`,
    mediaType: 'image/png' as const,
    read: async () => Buffer.from(`${prefix}${index}`),
  }));
}

const options = { seed: 1, most: 100_000, epsilons: [0.01, 0.05], delta: 0.05 };
const names = (part: readonly HashedSample[]) => part.map(({ name }) => name);

test('every image has one part, and the same seed gives the same parts', () => {
  const split = splitSamples(samples(1001), undefined, options);
  const all = [...split.fit, ...split.choose, ...split.calibrate];
  assert.equal(new Set(names(all)).size, 1001);
  assert.equal(all.length, 1001);
  assert.deepEqual([split.fit.length, split.choose.length, split.calibrate.length], [376, 125, 500]);
  const again = splitSamples(samples(1001), undefined, options);
  for (const part of ['fit', 'choose', 'calibrate'] as const) {
    assert.deepEqual(names(again[part]), names(split[part]));
  }
  assert.notDeepEqual(
    names(splitSamples(samples(1001), undefined, { ...options, seed: 2 }).fit),
    names(split.fit),
  );
});

test('images apart fit, and all others calibrate; no more fit than memory and use allow', () => {
  const split = splitSamples(samples(300), samples(20_000, 'apart-'), options);
  assert.equal(split.calibrate.length, 300);
  assert.equal(split.fit.length + split.choose.length, 10_000);
  assert.ok([...split.fit, ...split.choose].every(({ name }) => name.startsWith('apart-')));
  const small = splitSamples(samples(3000), undefined, { ...options, most: 400 });
  assert.equal(small.fit.length + small.choose.length, 400);
  assert.equal(small.calibrate.length, 2600);
});

test('too few images are refused with how many are needed', () => {
  for (const count of [1, 50, 190]) {
    assert.throws(
      () => splitSamples(samples(count), undefined, options),
      (error) => error instanceof UsageError && error.message.startsWith(`${count} images are too few: `),
    );
  }
  assert.doesNotThrow(() => splitSamples(samples(400), undefined, options));
  assert.throws(
    () => splitSamples(samples(400), undefined, { ...options, epsilons: [0.001] }),
    /ε = 0.001 needs 2995/,
  );
});

test('as many images are needed as the exact test needs without any loss', () => {
  assert.deepEqual([fewestToTest(0.01, 0.05), fewestToTest(0.05, 0.05)], [299, 59]);
  assert.ok(0.99 ** 299 <= 0.05 && 0.99 ** 298 > 0.05);
});

test('copies are found by their bytes, also among images given apart', async () => {
  const given = [...samples(5), ...samples(3)];
  assert.equal((await withoutCopies(given)).length, 5);
  assert.deepEqual(
    names(await withoutCopies([...samples(4), ...samples(2, 'new-')], await withoutCopies(samples(4)))),
    ['new-0', 'new-1'],
  );
});
