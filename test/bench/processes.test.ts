// What bench and the load scripts start, a server and a load client, does not outlive them, and they do not wait for a
// server that is dead.
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { startServer } from '../../bench/load/server-process.js';
import { runNode } from '../support/service/serve-process.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const POLL_MS = 50;

/** A script that is ready at once, ends at SIGTERM with 0, and kills itself if it is asked for /die. */
async function writeServer(): Promise<URL> {
  const path = join(temporaryFolder(), 'server.mjs');
  await writeFile(
    path,
    `import { createServer } from 'node:http';
process.once('SIGTERM', () => process.exit(0));
createServer((request, response) => {
  if (request.url === '/die') process.kill(process.pid, 'SIGKILL');
  response.end();
}).listen(Number(process.env.RDI_PORT), '127.0.0.1');
`,
  );
  return pathToFileURL(path);
}

const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    () => true,
    () => false,
  );

test('it is stopped, and nothing of it stays with this process', async () => {
  const before = process.listenerCount('SIGTERM');
  const server = await startServer({}, await writeServer());
  assert.ok(await answers(server.url));
  await server.stop();
  assert.ok(!(await answers(server.url)));
  assert.equal(process.listenerCount('SIGTERM'), before);
});

test('stopping one that was killed before says so', { timeout: 20_000 }, async () => {
  const server = await startServer({}, await writeServer());
  await answers(`${server.url}/die`);
  while (await answers(server.url)) await sleep(POLL_MS);
  await sleep(POLL_MS);
  await assert.rejects(server.stop(), { message: 'The server ended with SIGKILL.' });
});

test('a signal that ends the one who started it ends it, too', async (t) => {
  const starter = join(temporaryFolder(), 'starter.mjs');
  await writeFile(
    starter,
    `import { startServer } from '${new URL('../../bench/load/server-process.js', import.meta.url)}';
const { url } = await startServer({}, new URL('${await writeServer()}'));
process.stdout.write(url);
setInterval(() => {}, 1000);
`,
  );
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const { child, ended } = runNode(t, [starter]);
    const url = await new Promise<string>((resolve) => child.stdout?.once('data', (it) => resolve(`${it}`)));
    assert.ok(await answers(url));
    child.kill(signal);
    assert.equal((await ended).signal, signal);
    for (let attempt = 0; await answers(url); attempt++) {
      if (attempt < 40) await sleep(POLL_MS);
      else {
        await fetch(`${url}/die`).catch(() => {});
        assert.fail(`it outlived ${signal}`);
      }
    }
  }
});

test('a load client whose parent has gone drops its load', { timeout: 20_000 }, async (t) => {
  const client = fork(new URL('../../bench/load/load-client.js', import.meta.url));
  t.after(() => client.kill('SIGKILL'));
  const ended = once(client, 'exit');
  const server = await startServer({}, await writeServer());
  const image = Buffer.from('no image').toString('base64');
  client.send({ url: server.url, images: [image], connections: 1, extent: { seconds: 60 } });
  await sleep(20 * POLL_MS);
  client.disconnect();
  await ended;
  await server.stop();
});
