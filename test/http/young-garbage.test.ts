// What a request allocates must be garbage for a minor collection once it is answered. If anything that outlives it, or
// a dead object in old space, points to it, minor collections copy it, and stop the event loop several times as long.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createKeepAliveConnection, encodeRequest } from '../../bench/load/keep-alive-connection.js';
import { median } from '../../bench/load/quantile.js';
import { testImages } from '../support/packages/profiled-package.js';
import { scrape } from '../support/service/exposition.js';
import { commandLine, startProcess } from '../support/service/serve-process.js';
import { temporaryModels } from '../support/service/service.js';

/** Young space for some forty requests: a minor collection every ten turns or so. */
const YOUNG_SPACE = '--max-semi-space-size=2';
const CONNECTIONS = 4;
const TURNS = 50;
const ROUNDS = 9;
/** A request that is kept takes five thousand and more; of what compiled code learns, some is left in any case. */
const MOST_BYTES_KEPT = 3000;

// In a process of its own: the test runner follows every promise, and so keeps them.
test('what answered requests have allocated does not get old', async (t) => {
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

  /** How much a request adds to old space. */
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
  // Not the mean: one major collection would hide all that was kept before it.
  assert.ok(
    median(kept) < MOST_BYTES_KEPT,
    `bytes that each request kept, by round: ${kept.map(Math.round)}`,
  );
});
