// A minor garbage collection must be able to free all allocations of an answered request. If a longer-lived object, or
// a dead object in old space, points to them, minor collections copy them and stop the event loop several times longer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKeepAliveConnection, encodeRequest } from '../../bench/load/keep-alive-connection.js';
import { median } from '../../src/foundation/quantile.js';
import { testImages } from '../support/packages/profiled-package.js';
import { scrape } from '../support/service/exposition.js';
import { commandLine, startProcess } from '../support/service/serve-process.js';
import { temporaryModels } from '../support/service/service.js';

/** A young generation for about forty requests: a minor collection about every ten turns. */
const YOUNG_SPACE = '--max-semi-space-size=2';
const CONNECTIONS = 4;
const TURNS = 50;
const ROUNDS = 9;
/** Limit per request. A retained request takes 5,000 bytes or more; type feedback of compiled code always stays. */
const MOST_BYTES_KEPT = 3000;

// In a separate process, because the test runner tracks every promise and so retains them.
test('allocations of answered requests do not reach old space', async (t) => {
  const { models } = await temporaryModels();
  const script = [YOUNG_SPACE, commandLine, 'serve'];
  const { url } = await startProcess(t, models, [], { script });
  const target = new URL(`${url}/classify?profile=full`);
  const clients = (await testImages(CONNECTIONS)).map(({ png }) => {
    const connection = createKeepAliveConnection(target);
    t.after(() => connection.close());
    return () => connection.exchange(encodeRequest(target, png));
  });
  const oldBytes = async (): Promise<number> =>
    (await scrape(url)).sum('nodejs_heap_space_size_used_bytes', { space: 'old' });

  /** Bytes that a request adds to old space. */
  async function keptBytes(): Promise<number> {
    const before = await oldBytes();
    for (let turn = 0; turn < TURNS; turn++) {
      const answers = await Promise.all(clients.map((exchange) => exchange()));
      assert.ok(answers.every(({ status }) => status === 200));
    }
    return ((await oldBytes()) - before) / (TURNS * CONNECTIONS);
  }

  const kept: number[] = [];
  for (let round = 0; round < ROUNDS; round++) kept.push(await keptBytes());
  // Not the mean: one major collection would hide all memory that was retained before it.
  assert.ok(
    median(kept) < MOST_BYTES_KEPT,
    `bytes that each request kept, by round: ${kept.map(Math.round)}`,
  );
});
