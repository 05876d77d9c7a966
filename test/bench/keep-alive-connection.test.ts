import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { createKeepAliveConnection, encodeRequest } from '../../bench/load/keep-alive-connection.js';

/** A server that answers each request as `answer` does, a connection to it, and a request of `body`. */
async function connectTo(t: TestContext, answer: (request: IncomingMessage, body: string) => Answerer) {
  const connections = new Set<unknown>();
  const server = createServer(async (request, response) => {
    connections.add(request.socket);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    answer(request, Buffer.concat(chunks).toString())(response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/classify?topK=2`);
  const connection = createKeepAliveConnection(url);
  t.after(() => {
    connection.close();
    server.close();
  });
  const ask = (body: string) => connection.exchange(encodeRequest(url, Buffer.from(body)));
  return { ask, connections };
}
type Answerer = (response: ServerResponse) => void;

test('requests go out whole and answers come back whole, over one connection', async (t) => {
  const { ask, connections } = await connectTo(t, ({ method, url, headers }, body) => (response) => {
    const text = `${method} ${url} ${headers['content-type']} ${body}`;
    response.writeHead(503, { 'content-length': text.length, 'retry-after': '1' });
    response.write(text.slice(0, 10));
    setTimeout(() => response.end(text.slice(10)), 20);
  });
  for (const body of ['one', 'another']) {
    const answer = await ask(body);
    assert.equal(answer.status, 503);
    assert.match(answer.head, /\r\nretry-after: 1\r\n/);
    assert.equal(answer.body, `POST /classify?topK=2 image/png ${body}`);
    assert.ok(answer.seconds > 0);
  }
  assert.equal(connections.size, 1);
});

test('a connection that breaks fails its request; the next one opens another', async (t) => {
  const { ask, connections } = await connectTo(t, (_request, body) => (response) => {
    if (body === 'break') response.destroy();
    else response.writeHead(200, { 'content-length': 2, connection: 'close' }).end('ok');
  });
  await assert.rejects(ask('break'), /closed|reset|hang up/i);
  assert.equal((await ask('go on')).body, 'ok');
  assert.equal((await ask('after connection: close')).body, 'ok');
  assert.equal(connections.size, 3);
});
