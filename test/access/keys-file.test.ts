// The keys file: keys and settings of clients, and what is wrong in a file that is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createApiKey, parseKeysFile } from '../../src/access/keys-file.js';
import { UsageError } from '../../src/foundation/errors.js';

const { key, line: keyOfA } = createApiKey('team-a');
const { line: keyOfB } = createApiKey('team-b');
const parse = (...lines: string[]) => parseKeysFile('keys', lines.join('\n'));

test('a file without settings: every client has weight 1 and no budget', () => {
  const { keys, settingsOf } = parse('# two teams', keyOfA, '', keyOfB, keyOfB);
  assert.deepEqual(
    keys.map(({ owner }) => owner),
    ['team-a', 'team-b', 'team-b'],
  );
  assert.deepEqual(settingsOf('team-a'), { weight: 1, budget: undefined });
});

test('settings stand on a line of the client, before or after its keys; * is for all others', () => {
  const { settingsOf } = parse(
    'team-a   weight=2.5 flops-per-second=2.5e9   burst-flops=1E10 ',
    keyOfA,
    keyOfB,
    '* flops-per-second=1000000',
  );
  const { weight, budget } = settingsOf('team-a');
  assert.deepEqual([weight, budget], [2.5, { flopsPerSecond: 2.5e9, burstFlops: 1e10 }]);
  const other = settingsOf('team-b');
  assert.deepEqual([other.weight, other.budget], [1, { flopsPerSecond: 1e6, burstFlops: 1e6 }]);
});

const faults: [line: string, message: RegExp][] = [
  ['team-b weight=2', /^keys, line 2: no line has a key of team-b\.$/],
  [
    'team-a weight=0',
    /^keys, line 2: weight must be a number from 0\.001 to 1000000, such as 5 or 2\.5e9\.$/,
  ],
  ['team-a weight=', /weight must be a number/],
  ['team-a weight=1e400', /weight must be a number/],
  ['team-a weight=-1', /weight must be a number/],
  ['team-a weight=0x10', /weight must be a number/],
  ['team-a flops-per-second=1e15', /flops-per-second must be a number from 1 to 999999999999999,/],
  ['team-a weight=1 weight=1', /^keys, line 2: weight is given twice\.$/],
  ['team-a burst-flops=5', /^keys, line 2: burst-flops needs flops-per-second\.$/],
  ['team-a flops=5', /the settings of a client are weight, flops-per-second, burst-flops\.$/],
  ['team-a constructor=5', /the settings of a client are/],
  ['team-a', /line 2 is neither/],
  [`team-a ${key}`, /line 2 is neither/],
  [`team-a weight=${key}`, /weight must be a number/],
  [`${keyOfB} weight=2`, /line 2 is neither/],
  ['** weight=2', /line 2 is neither/],
];
for (const [line, message] of faults) {
  test(`refused, without a word of what may be a key: ${line.replace(key, 'KEY').slice(0, 40)}`, () => {
    assert.throws(
      () => parse(keyOfA, line),
      (error) => {
        assert.ok(error instanceof UsageError);
        assert.match(error.message, message);
        return !error.message.includes(key) && !error.message.includes('sha256:0');
      },
    );
  });
}

test('settings that are given twice name both lines', () => {
  assert.throws(
    () => parse(keyOfA, 'team-a weight=1', '', 'team-a weight=2'),
    /^UsageError: keys, line 4: team-a has settings already, in line 2\.$/,
  );
});
