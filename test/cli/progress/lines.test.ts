import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLines } from '../../../src/cli/progress/lines.js';

/** Lines of progress, under a clock that the test moves. */
function log() {
  const lines: string[] = [];
  let seconds = 1000;
  const progress = createLines(
    (line) => lines.push(line),
    () => seconds,
  );
  return {
    lines,
    progress,
    after(more: number, ...step: Parameters<typeof progress.show>) {
      seconds += more;
      progress.show(...step);
    },
  };
}

describe('progress in a log', () => {
  it('comes after some seconds, then every half minute with the time left, and at the end', () => {
    const { lines, after } = log();
    for (let image = 0; image <= 900; image++) after(image === 0 ? 0 : 1 / 8, 'images recorded', image, 900);
    assert.deepEqual(lines, [
      '40/900 images recorded, 1m48s to go\n',
      '280/900 images recorded, 1m18s to go\n',
      '520/900 images recorded, 48s to go\n',
      '760/900 images recorded, 18s to go\n',
      '900/900 images recorded, took 1m53s\n',
    ]);
  });

  it('says nothing of quick steps', () => {
    const { lines, after } = log();
    after(0, 'heads fitted', 0, 2);
    after(2, 'heads fitted', 1, 2);
    after(2, 'heads fitted', 2, 2);
    after(60, 'images recorded', 0, 10);
    after(1, 'images recorded', 10, 10);
    assert.deepEqual(lines, []);
  });

  it('begins anew with each step', () => {
    const { lines, after } = log();
    after(0, 'heads fitted', 0, 2);
    after(10, 'heads fitted', 1, 2);
    after(10, 'heads fitted', 2, 2);
    after(10, 'images recorded', 0, 10);
    after(20, 'images recorded', 4, 10);
    assert.deepEqual(lines, [
      '1/2 heads fitted, 10s to go\n',
      '2/2 heads fitted, took 20s\n',
      '4/10 images recorded, 30s to go\n',
    ]);
  });

  it('does not count what an earlier run had done into the time left', () => {
    const { lines, after } = log();
    after(0, 'images recorded', 800, 1000);
    after(10, 'images recorded', 900, 1000);
    assert.deepEqual(lines, ['900/1000 images recorded, 10s to go\n']);
  });

  it('leaves the time open while nothing is done', () => {
    const { lines, after } = log();
    after(0, 'images recorded', 0, 10);
    after(40, 'images recorded', 0, 10);
    assert.deepEqual(lines, ['0/10 images recorded\n']);
  });

  it('tells steps of the same name and another number apart, and the same step after its end', () => {
    const { lines, after, progress } = log();
    after(0, 'MiB', 0, 100);
    after(10, 'MiB', 100, 100);
    after(1, 'MiB', 0, 100);
    after(10, 'MiB', 50, 100);
    after(1, 'MiB', 0, 300);
    after(10, 'MiB', 100, 300);
    progress.end();
    after(40, 'MiB', 200, 300);
    assert.deepEqual(lines, [
      '100/100 MiB, took 10s\n',
      '50/100 MiB, 10s to go\n',
      '100/300 MiB, 20s to go\n',
    ]);
  });
});
