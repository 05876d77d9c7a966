// The figures of a comparison: medians over rounds, ratios within rounds, servers in turn.
import assert from 'node:assert/strict';
import process from 'node:process';
import { test } from 'node:test';
import type { LoadClient, LoadResult } from '../../../bench/load/load.js';
import { figuresOf, renderComparison } from '../../../bench/peers/report.js';
import { measureRounds, type Round, rotated } from '../../../bench/peers/rounds.js';

const round = (requestsPerSecond: number, cpuMs: number, failed = 0): Round => ({
  requestsPerSecond,
  p50Ms: 10,
  p99Ms: 20,
  cpuMs,
  clientCpuMs: 0.1,
  memory: { bytes: 100 * 2 ** 20, kind: 'PSS' },
  failed,
});

/** The machine becomes half as fast in the last round: ratios do not see it. */
const measured = [
  { name: 'ours', rounds: [round(300, 1), round(290, 1.1, 2), round(150, 1.9)] },
  { name: 'theirs', rounds: [round(100, 2), round(100, 2.2), round(50, 3.8)] },
];

test('ratios are medians of each round’s, figures medians of all', () => {
  const [ours, theirs] = figuresOf(measured, 'theirs');
  assert.equal(ours?.requestsPerSecond, 290);
  assert.equal(ours?.speedRatio, 3);
  assert.equal(ours?.cpuMs, 1.1);
  assert.equal(ours?.cpuRatio, 0.5);
  assert.equal(ours?.failed, 2);
  assert.equal(theirs?.speedRatio, 1);
  assert.equal(figuresOf(measured, 'ours')[1]?.speedRatio, 1 / 3);
});

test('memory is RSS as soon as one round could read no more', () => {
  const one = { ...round(1, 1), memory: { bytes: 1, kind: 'RSS' as const } };
  assert.equal(figuresOf([{ name: 'a', rounds: [round(1, 1), one] }], 'a')[0]?.memory.kind, 'RSS');
});

test('a table for each stand, in Markdown, and who is missing', () => {
  const figures = figuresOf(measured, 'theirs');
  const text = renderComparison({
    tool: 'rdi-serve',
    date: '',
    machine: { cpu: 'some processor', cores: 2, memoryGiB: 8, node: '20', platform: 'linux x64' },
    settings: {
      model: 'tiny/1',
      images: '12 golden inputs',
      workers: 2,
      connections: 16,
      seconds: 4,
      rounds: 3,
      against: 'theirs',
    },
    agreement: {},
    decodedOtherwise: ['a.jpg'],
    missing: [{ name: 'another', reason: 'no such package' }],
    tables: [
      { neighbours: 0, figures, measured },
      { neighbours: 2, figures, measured },
    ],
  });
  const row = '| ours | 290 | 3.00 | 10.0 | 20.0 | 1.10 | 0.50 | 100 | 2 |\n';
  assert.equal(text.split(row).length, 3);
  assert.match(text, /\nBeside 2 busy loops:\n\n\| server \| requests\/s \| × theirs \|/);
  assert.match(text, /\nLeft out: another: no such package\n/);
  assert.match(text, /\nLeft out: 1 images /);
});

test('every server gets each round before the next, and each is first in turn', {
  timeout: 30_000,
}, async () => {
  assert.deepEqual(rotated(['a', 'b', 'c'], 4), ['b', 'c', 'a']);
  const asked: string[] = [];
  const client: LoadClient = {
    async apply({ url }) {
      asked.push(url);
      const statuses = { '200': 8, '503': 1 };
      const load: Partial<LoadResult> = {
        seconds: 2,
        sent: 10,
        statuses,
        clientCpuSeconds: 0,
        latencyMs: { median: 1, p99: 2 },
      };
      return load as LoadResult;
    },
    close() {},
  };
  // None of them has a process: nothing is paused here but nobody.
  const subjects = ['a', 'b'].map((name) => ({ name, url: `of ${name}`, pid: -1 }));
  const job = { images: [], connections: 1, extent: { seconds: 2 } };
  const results = await measureRounds(client, subjects, { job, rounds: 2, warmUpRounds: 1, onLoad() {} });
  assert.deepEqual(asked, ['of a', 'of b', 'of b', 'of a', 'of a', 'of b']);
  assert.deepEqual(
    results.map(({ name, rounds }) => [name, rounds.length, rounds[0]?.requestsPerSecond, rounds[0]?.failed]),
    [
      ['a', 2, 4, 2],
      ['b', 2, 4, 2],
    ],
  );
  assert.equal(process.exitCode, undefined);
});
