// Where exits can be added: the places of a network with skip connections, and the choice among places.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseCandidates, findPlaces, type Place } from '../../src/add-exits/candidates.js';
import { readNetwork } from '../../src/packages/package.js';
import { buildPlainNetwork, type PlainOptions } from '../support/packages/plain-network.js';

function placesOf(options: PlainOptions): Place[] {
  const network = readNetwork(buildPlainNetwork(options), {
    classes: ['a', 'b', 'c', 'd'],
    input: {
      ...{ tensor: 'image', height: 16, width: 16, channels: 3, background: 0, resize: 'fill' },
      ...{ mean: [0, 0, 0], std: [1, 1, 1] },
    },
    exits: [{ name: 'final', logits: 'logits' }],
  });
  return findPlaces(network);
}

test('a network can be cut between its blocks and not inside them', () => {
  const places = placesOf({ blocks: 3 });
  assert.deepEqual(
    places.map(({ tensor }) => tensor),
    ['stem_conv', 'stem', 'sum_0', 'sum_1', 'sum_2', 'pooled', 'mean'],
  );
  const [stem, first] = [places[1], places[2]];
  assert.deepEqual(stem?.shape, [16, 16, 16]);
  const [stemCost, block, head] = [3, 32, 2 * 64].map((depth) => 2 * 16 * 9 * 256 * depth);
  assert.ok(stemCost && block && head);
  const whole = stemCost + 3 * block + 2 * 16 * 4;
  assert.equal(stem?.share, stemCost / whole);
  assert.equal(first?.share, (stemCost + block) / whole);
});

test('what leads around every block is no place', () => {
  const places = placesOf({ blocks: 3, dense: true });
  assert.deepEqual(
    places.map(({ tensor }) => tensor),
    ['dense_2', 'pooled', 'mean'],
  );
});

test('of each part of the cost the smallest tensor is taken, of equal ones the last, and none too near', () => {
  const place = (tensor: string, share: number, ...shape: number[]): Place => ({ tensor, share, shape });
  const chosen = chooseCandidates([
    place('too early', 0.01, 1),
    place('large', 0.06, 8, 8),
    place('small', 0.06, 8),
    place('small, activated', 0.06, 8),
    place('too near', 0.135, 8),
    place('next', 0.2, 8),
    place('late', 0.89, 8, 8),
    place('too late', 0.91, 1),
  ]);
  assert.deepEqual(
    chosen.map(({ tensor }) => tensor),
    ['small, activated', 'next', 'late'],
  );
});

test('there are at most eight', () => {
  const places = Array.from({ length: 500 }, (_, index) => ({
    ...{ tensor: `${index}`, share: index / 500, shape: [4] },
  }));
  const chosen = chooseCandidates(places);
  assert.equal(chosen.length, 8);
  chosen.slice(1).forEach(({ share }, index) => {
    assert.ok(share - (chosen[index]?.share ?? 1) >= 0.08);
  });
});
