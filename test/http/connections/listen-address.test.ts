// The address to listen on: all addresses of both families where the system has both, and a taken port told early.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ListenOptions, Server } from 'node:net';
import { test } from 'node:test';
import { findListenAddress } from '../../../src/http/connections/listen-address.js';

test('an address that can be listened on is taken as it is; a name becomes its address', async () => {
  assert.equal(await findListenAddress('127.0.0.1', 0), '127.0.0.1');
  assert.match(await findListenAddress('localhost', 0), /^(127\.0\.0\.1|::1)$/);
});

test('without IPv6 in the system, :: becomes 0.0.0.0; other addresses do not', async (t) => {
  const { listen } = Server.prototype;
  t.mock.method(Server.prototype, 'listen', function (this: Server, options: ListenOptions) {
    if (!options.host?.includes(':')) return listen.call(this, options);
    const error = Object.assign(new Error('address family not supported'), { code: 'EAFNOSUPPORT' });
    process.nextTick(() => this.emit('error', error));
    return this;
  });
  assert.equal(await findListenAddress('::', 0), '0.0.0.0');
  await assert.rejects(findListenAddress('::1', 0), { code: 'EAFNOSUPPORT' });
});

test('a taken port is told', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  t.after(async () => void taken.close());
  const { port } = taken.address() as { port: number };
  await assert.rejects(findListenAddress('127.0.0.1', port), { code: 'EADDRINUSE' });
});
