// `rdi-serve serve` on the command line: help, flags before environment variables, and one sentence per mistake.
import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { defaultOf, environmentVariableOf, flagOf, settingNames } from '../../src/config/settings.js';
import { writeProfiledPackage } from '../support/packages/profiled-package.js';
import { commandLine, runNode, startProcess } from '../support/service/serve-process.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const models = temporaryFolder();
await writeProfiledPackage(models);

test('--help lists every setting with its environment variable and its default', async (t) => {
  const { code, stdout, stderr } = await runNode(t, [commandLine, 'serve', '--help']).ended;
  assert.deepEqual([code, stderr], [0, '']);
  const text = stdout.replace(/\s+/g, ' ');
  for (const name of settingNames) {
    assert.match(
      text,
      new RegExp(`${flagOf(name)} (<value>|\\[true\\|false\\]) .*?env: ${environmentVariableOf(name)}\\b`),
      name,
    );
  }
});

test('a flag overrides the environment, which overrides the default', async (t) => {
  const environment = { RDI_LOG_LEVEL: 'info', RDI_DOCS: 'false', RDI_MAX_IMAGE_BYTES: '10' };
  const server = await startProcess(t, models, ['--max-image-bytes', '20'], { environment });
  const send = (length: number) =>
    fetch(`${server.url}/classify`, {
      method: 'POST',
      body: Buffer.alloc(length),
      headers: { 'content-type': 'image/png' },
    });
  assert.equal((await fetch(`${server.url}/docs/`)).status, 404);
  assert.equal((await send(20)).status, 422);
  assert.equal((await send(21)).status, 413);
});

test('a boolean flag alone means true', async (t) => {
  const reset = async (flags: string[]) => {
    const { url } = await startProcess(t, models, flags);
    const address = `${url}/models/nothing/versions/1/profiles/full/audit/reset`;
    const body = JSON.stringify({ reason: 'a test' });
    const headers = { 'content-type': 'application/json' };
    return (await fetch(address, { method: 'POST', headers, body })).status;
  };
  assert.equal(await reset([]), 403);
  assert.equal(await reset(['--operator-routes']), 404);
});

/** For Node's --import: gives "localhost" a second address, as on machines with IPv6. */
const twoLocalhosts = `data:text/javascript,${encodeURIComponent(`
  import dns from 'node:dns';
  const { lookup } = dns;
  const second = { address: '127.0.0.2', family: 4 };
  dns.lookup = (host, options, callback) => lookup(host, options, (error, found, family) => {
    callback(error, host === 'localhost' && options.all ? [...found, second] : found, family);
  });
`)}`;

test('the server listens at one address of localhost, even if it has two', async (t) => {
  const script = ['--import', twoLocalhosts, commandLine, 'serve'];
  const { url, port } = await startProcess(t, models, ['--host', 'localhost'], { script });
  assert.match(url, /^http:\/\/(127\.0\.0\.1|\[::1\]):\d+$/);
  assert.equal((await fetch(`${url}/livez`)).status, 200);
  await assert.rejects(fetch(`http://127.0.0.2:${port}/livez`));
});

test('by default the server listens at all addresses, of IPv6 and IPv4', async (t) => {
  const { port } = await startProcess(t, models, ['--host', '::']);
  assert.equal((await fetch(`http://127.0.0.1:${port}/livez`)).status, 200);
  const hasIpv6 = Object.values(networkInterfaces())
    .flat()
    .some((one) => one?.address === '::1');
  if (hasIpv6) assert.equal((await fetch(`http://[::1]:${port}/livez`)).status, 200);
  assert.equal(defaultOf('host'), '::');
});

test('a port in use is told before models are looked for', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  t.after(async () => void taken.close());
  const { port } = taken.address() as AddressInfo;
  const { ended } = runNode(t, [
    commandLine,
    'serve',
    ...['--host', '127.0.0.1', '--port', `${port}`, '--models', '/nowhere', '--workers', '2'],
  ]);
  assertOneSentence(await ended, new RegExp(`cannot listen: .*EADDRINUSE.*${port}`));
});

test('variables that set nothing do not stop the start; the log says so, with the setting that was meant', async (t) => {
  const environment = { RDI_MAX_INFLIGHT: '9', RDI_PORT: 'tcp://10.0.0.7:80', RDI_PORT_80_TCP_PROTO: 'tcp' };
  const server = await startProcess(t, models, [], { environment });
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
  const warnings = server.lines.filter(({ level }) => level === 40);
  assert.deepEqual(
    warnings.map(({ msg }) => msg),
    [
      'RDI_MAX_INFLIGHT is no setting and has no effect. Did you mean RDI_MAX_IN_FLIGHT?',
      'RDI_PORT=tcp://10.0.0.7:80 describes a Kubernetes service named rdi and is ignored. ' +
        'Set enableServiceLinks: false in the pod, or give the port as --port.',
    ],
  );
});

// One mistake of each kind; test/config.test.ts tests the values.
const mistakes: [string, string[], Record<string, string>, RegExp][] = [
  ['an unknown flag', ['--no-such-flag'], {}, /unknown option '--no-such-flag'/],
  ['a flag without its value', ['--port'], {}, /'--port <value>' argument missing/],
  ['a bad value', ['--port', 'http'], {}, /--port \(RDI_PORT\) cannot be "http": it must be integer/],
  ['a bad environment value', [], { RDI_MAX_IN_FLIGHT: 'many' }, /--max-in-flight \(RDI_MAX_IN_FLIGHT\)/],
  ['no such models folder', ['--models', '/nowhere/models'], {}, /"\/nowhere\/models" cannot be read/],
  ['no such default model', ['--models', models, '--default-model', 'no'], {}, /default model "no"/],
];

for (const [name, flags, environment, message] of mistakes) {
  test(name, async (t) => {
    const { ended } = runNode(t, [commandLine, 'serve', ...flags], {
      RDI_LOG_LEVEL: 'error',
      RDI_PORT: '0', // not the default one, which another server may have
      ...environment,
    });
    assertOneSentence(await ended, message);
  });
}

function assertOneSentence(
  { code, stdout, stderr }: { code: number | null; stdout: string; stderr: string },
  message: RegExp,
): void {
  assert.match(stderr, message);
  assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  assert.doesNotMatch(stderr + stdout, /\n\s+at /, 'no stack');
  assert.equal(code, 1);
}
