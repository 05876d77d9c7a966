// The image's health check: it asks the port that the server listens on, whatever RDI_PORT holds. `.ci/image` runs it in
// the image.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createConfig } from '../../src/config/config.js';
import { settingsIn } from '../../src/config/environment.js';
import { runNode } from '../support/service/serve-process.js';
import { readText } from './files.js';

const [, command = ''] = /^HEALTHCHECK [^\n]*\\\n\s*CMD (\[.*\])$/m.exec(readText('Dockerfile')) ?? [];
const [node, ...check] = JSON.parse(command) as string[];

/** For Node's --import: instead of asking, `fetch` prints the address, and the server there is ready or not. */
const toldFetch = (isReady: boolean) =>
  `data:text/javascript,${encodeURIComponent(
    `globalThis.fetch = async (address) => { console.log(new URL(address).href); return { ok: ${isReady} }; };`,
  )}`;

test('it asks the port that the server takes from the same environment', async (t) => {
  assert.equal(node, 'node');
  for (const value of [undefined, '', '81', ' 81 ', 'tcp://10.0.0.7:8001']) {
    const environment = value === undefined ? {} : { RDI_PORT: value };
    const { stdout, code } = await runNode(t, ['--import', toldFetch(true), ...check], environment).ended;
    const { port } = createConfig(settingsIn(environment).settings);
    assert.deepEqual([stdout, code], [`http://127.0.0.1:${port}/readyz\n`, 0], `RDI_PORT=${value}`);
  }
});

test('it fails if the server is not ready, or not there', async (t) => {
  const { code } = await runNode(t, ['--import', toldFetch(false), ...check]).ended;
  assert.equal(code, 1);
  // Port 1 belongs to a service that hardly any machine has; fetch refuses to ask it in any case.
  assert.equal((await runNode(t, check, { RDI_PORT: '1' }).ended).code, 1);
});
