// Sends 1,000 good and bad requests through a proxy: each gets the service's own answer, none the proxy's 502.
// node dist/test/proxies/requests.js <url of the proxy> <most cut off>; run.sh starts everything.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';

const REQUESTS = 1000;
const AT_ONCE = 8;
/** As run.sh sets it: --max-image-bytes. */
const LIMIT = 1_000_000;

const [, , address = '', cutOffs = '0'] = process.argv;
const url = new URL(address);
const prefix = url.pathname.replace(/\/$/, '');
const png = await readFile(join(import.meta.dirname, '../../../docs/examples/digit-7.png'));
const large = Buffer.alloc(3 * LIMIT);
const batch = JSON.stringify({ images: Array(20).fill(png.toString('base64')) });

interface Sent {
  readonly method?: string;
  readonly path: string;
  readonly type?: string;
  readonly body?: Buffer | string;
}

/** What is sent, and the status of the answer. */
const cases: readonly (readonly [Sent, number])[] = [
  [{ path: '/classify', type: 'image/png', body: png }, 200],
  [{ path: '/classify/batch', type: 'application/json', body: batch }, 200],
  [{ path: '/classify', type: 'image/png', body: large }, 413],
  [{ method: 'GET', path: '/models' }, 200],
  [{ path: '/classify', type: 'text/plain', body: large }, 415],
  [{ path: '/classify', type: 'image/png', body: png.subarray(0, 60) }, 422],
  [{ path: '/nowhere', type: 'image/png', body: large }, 404],
  [{ path: '/classify?topK=0', type: 'image/png', body: png }, 400],
  [{ method: 'PUT', path: '/classify', type: 'image/png', body: large }, 405],
  [{ path: '/classify/batch', type: 'application/json', body: large }, 400],
  [{ method: 'GET', path: '/readyz' }, 200],
];

const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
const ways = [
  (sent: Sent) => sendKeepingAlive(sent, {}),
  (sent: Sent) => sendKeepingAlive(sent, { 'transfer-encoding': 'chunked' }),
  (sent: Sent) => sendAndClose(sent, 'HTTP/1.1'),
  (sent: Sent) => sendAndClose(sent, 'HTTP/1.0'),
];

function sendKeepingAlive(one: Sent, coding: Record<string, string>): Promise<number> {
  const { method = 'POST', path, type, body } = one;
  const headers = { ...(type && { 'content-type': type }), ...(body !== undefined && coding) };
  return new Promise<number>((resolve, reject) => {
    const { hostname: host, port } = url;
    const sent = request({ host, port, method, path: prefix + path, agent, headers }, (answer) => {
      const { statusCode = 0 } = answer;
      answer.resume();
      answer.on('end', () => resolve(statusCode));
      answer.on('error', reject);
    });
    // An answer that came first has resolved already. A proxy may close a kept connection when the client uses it again;
    // every client tries once more then.
    sent.on('error', (cause) => {
      if (sent.reusedSocket) resolve(sendKeepingAlive(one, coding));
      else reject(new Error(`${method} ${path}, ${JSON.stringify(coding)}: ${cause.message}`, { cause }));
    });
    sent.end(body);
  });
}

function sendAndClose({ method = 'POST', path, type, body = '' }: Sent, version: string): Promise<number> {
  const head = [
    `${method} ${prefix}${path} ${version}`,
    `host: ${url.host}`,
    'connection: close',
    ...(type ? [`content-type: ${type}`, `content-length: ${Buffer.byteLength(body)}`] : []),
  ];
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), url.hostname);
    let received = '';
    const end = (error?: Error): void => {
      const [, status] = /^HTTP\/1\.\d (\d+) .*\r\n\r\n/s.exec(received) ?? [];
      if (status !== undefined) resolve(Number(status));
      else
        reject(error ?? new Error(`${method} ${path}, ${version}, ${type}, ${body.length} bytes: no answer`));
    };
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text;
    });
    socket.on('error', end).on('close', () => end());
    socket.write(`${head.join('\r\n')}\r\n\r\n`);
    socket.write(body);
  });
}

const counts = new Map<number, number>();
/** Some proxies cut off a client that still sends a refused body (haproxy 2.6 does, rarely); clients then try again. */
const mostCutOff = Number(cutOffs);
let cutOff = 0;
async function retrying(send: () => Promise<number>): Promise<number> {
  try {
    return await send();
  } catch (error) {
    cutOff++;
    if (cutOff > mostCutOff) throw error;
    return retrying(send);
  }
}

let next = 0;
async function client(): Promise<void> {
  for (let index = next++; index < REQUESTS; index = next++) {
    const [sent, expected] = cases[index % cases.length] as (typeof cases)[number];
    const way = ways[Math.floor(index / cases.length) % ways.length] as (typeof ways)[number];
    const status = await retrying(() => way(sent));
    assert.equal(status, expected, `${sent.method ?? 'POST'} ${sent.path}, way ${ways.indexOf(way)}`);
    counts.set(status, (counts.get(status) ?? 0) + 1);
  }
}

await Promise.all(Array.from({ length: AT_ONCE }, client));
agent.destroy();
const summary = [...counts].sort().map(([status, count]) => `${count} × ${status}`);
process.stdout.write(`${address}: ${summary.join(', ')}; ${cutOff} cut off by the proxy\n`);
