// Memory of clients: a million of them are not kept, an alarm is not forgotten for them, and what one takes is stated.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { observeCost } from '../../../src/calibration/statistics/cost-monitor.js';
import { createClients } from '../../../src/serving/slowdown/clients.js';

test('of a million clients the latest are kept, and alarms beside them', () => {
  let forgotten = 0;
  const clients = createClients(10_000, () => forgotten++);
  for (const alarmed of ['a', 'b']) clients.raise(alarmed, clients.recordOf(alarmed), 1);
  for (let client = 0; client < 1_000_000; client++) {
    observeCost(clients.recordOf(`10.${client}`).evidence, 0);
  }
  assert.deepEqual(clients.sizes(), { watched: 10_000, alarmed: 2 });
  assert.equal(forgotten, 990_000);
  assert.ok(clients.isAlarmed('a') && !clients.isAlarmed('10.999999'));
  assert.equal(clients.recordOf('10.999999').evidence.images, 1);
  assert.equal(clients.recordOf('10.0').evidence.images, 0);
});

test('alarms are bounded too; the latest are listed first', () => {
  const clients = createClients(3, () => {});
  for (const [index, client] of ['a', 'b', 'c', 'd'].entries()) {
    clients.raise(client, clients.recordOf(client), index + 1);
  }
  assert.equal(clients.sizes().alarmed, 3);
  assert.deepEqual(
    clients.alarmed(2).map(([client]) => client),
    ['d', 'c'],
  );
  assert.equal(clients.forget('c')?.alarmedAt, 3);
  assert.equal(clients.forget('c'), undefined);
});

test('the suspects are those with the most evidence', () => {
  const clients = createClients(1000, () => {});
  for (let client = 0; client < 500; client++) {
    for (let image = 0; image < (client * 7) % 500; image++)
      observeCost(clients.recordOf(`${client}`).evidence, 1.1);
  }
  const most = clients.suspects(3).map(([client]) => (Number(client) * 7) % 500);
  assert.deepEqual(most, [499, 498, 497]);
});
