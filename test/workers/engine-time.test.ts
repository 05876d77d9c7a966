import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Network } from '../../src/network/network.js';
import { createEngineTime } from '../../src/workers/engine-time.js';

const [one, other] = [{ id: 'one/1' }, { id: 'other/1' }] as [Network, Network];

test('the mean over images: calls that images share, and calls after which none leaves, included', () => {
  const { called, left, perImage } = createEngineTime();
  assert.equal(perImage(one), undefined);
  called(one, 0.004);
  assert.equal(perImage(one), undefined, 'no image has left yet');
  called(one, 0.004);
  left(one, 4);
  assert.ok(Math.abs((perImage(one) ?? 0) - 0.002) < 1e-4);
  assert.equal(perImage(other), undefined);
});

test('it follows a change within some hundred images', () => {
  const { called, left, perImage } = createEngineTime();
  for (const seconds of [0.001, 0.01]) {
    for (let image = 0; image < 1000; image++) {
      called(one, seconds);
      left(one, 1);
    }
    assert.ok(Math.abs((perImage(one) ?? 0) / seconds - 1) < 0.1);
  }
});
