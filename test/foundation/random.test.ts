import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createUniform, shuffledIndices } from '../../src/foundation/random.js';

test('a seed gives the same numbers every time, another seed others', () => {
  const draw = (seed: number) => Array.from({ length: 5 }, createUniform(seed));
  assert.deepEqual(draw(7), draw(7));
  assert.notDeepEqual(draw(7), draw(8));
});

test('numbers are spread evenly over [0, 1), and neighbours do not depend on each other', () => {
  const uniform = createUniform(1);
  const cells = new Array<number>(64).fill(0);
  for (let i = 0; i < 64_000; i++) {
    const cell = Math.floor(8 * uniform()) * 8 + Math.floor(8 * uniform());
    cells[cell] = (cells[cell] as number) + 1;
  }
  // χ² with 63 degrees of freedom: above 103.4 once in a thousand.
  const chiSquare = cells.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
  assert.ok(chiSquare < 103.4, `${chiSquare}`);
});

test('a shuffle is a permutation that puts every index anywhere', () => {
  const uniform = createUniform(2);
  const places = Array.from({ length: 5 }, () => new Array<number>(5).fill(0));
  for (let round = 0; round < 5000; round++) {
    const order = shuffledIndices(5, uniform);
    assert.deepEqual([...order].sort(), [0, 1, 2, 3, 4]);
    order.forEach((index, place) => {
      const row = places[index] as number[];
      row[place] = (row[place] as number) + 1;
    });
  }
  // 1000 expected, standard deviation 28.
  for (const count of places.flat()) assert.ok(Math.abs(count - 1000) < 120, `${count}`);
});
