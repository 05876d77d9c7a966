// The attack on response times finds what is there, and nothing where there is nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chance, guessedRight, type Observation, rocArea } from '../../bench/privacy/attack.js';
import { createUniform } from '../../src/foundation/random.js';

/** 2,000 images of which six in ten leave at exit 0. @param perExit seconds that each exit adds */
function observations(perExit: number): Observation[] {
  const uniform = createUniform(3);
  return Array.from({ length: 2000 }, (_, index) => {
    const exit = index % 10 < 6 ? 0 : index % 10 < 8 ? 1 : 2;
    return { exit, seconds: 0.005 + exit * perExit + 0.001 * uniform() };
  });
}

test('times that tell the exit are found out', () => {
  const told = observations(0.002);
  assert.equal(chance(told), 0.6);
  assert.ok(guessedRight(told, 1) > 0.99);
  assert.equal(rocArea(told), 1);
});

test('times that tell half of it are found out in part', () => {
  const half = observations(0.0005);
  const share = guessedRight(half, 1);
  assert.ok(share > 0.65 && share < 0.95, `${share}`);
});

test('times that tell nothing leave the attacker at chance', () => {
  const nothing = observations(0);
  assert.ok(guessedRight(nothing, 1) <= 0.62);
  assert.ok(Math.abs(rocArea(nothing) - 0.5) < 0.03);
});
