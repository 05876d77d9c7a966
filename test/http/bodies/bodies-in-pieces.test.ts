// Bodies that arrive in pieces, down to HTTP chunks of one byte: they are answered like bodies in one piece, and their
// memory depends on their bytes, not on the number of pieces.
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { insertPngChunks, pngChunk } from '../../support/images/images.js';
import { testImages } from '../../support/packages/profiled-package.js';
import { sendRaw } from '../../support/service/requests.js';
import { startTestService, until } from '../../support/service/service.js';

const KIB = 1024;
const LONG = 256 * KIB;
const sockets: Socket[] = [];
// Before the service closes, because it waits for clients that are still sending.
after(() => {
  for (const socket of sockets) socket.destroy();
});
const { app, port } = await startTestService(
  { after },
  { config: { maxImageBytes: LONG, maxBatchBytes: LONG, operatorRoutes: true } },
);
const [image] = await testImages(1);
const png = image?.png ?? Buffer.alloc(0);

interface Upload {
  readonly path: string;
  readonly type: string;
  readonly body: Buffer;
  readonly answer: RegExp;
}

const uploads: Record<string, Upload> = {
  image: {
    path: '/classify',
    type: 'image/png',
    body: insertPngChunks(png, 'IEND', pngChunk('prVt', Buffer.alloc(LONG - png.length - 12, 'x'))),
    answer: /^HTTP\/1\.1 200 .*"label"/s,
  },
  batch: {
    path: '/classify/batch',
    type: 'application/json',
    body: Buffer.from(`{"images":["${png.toString('base64')}"]}`.padEnd(LONG)),
    answer: /^HTTP\/1\.1 200 .*"label"/s,
  },
  'reset of an audit': {
    path: '/models/tiny/versions/1/profiles/none/audit/reset',
    type: 'application/json',
    body: Buffer.from('{"reason":"a drill"}'.padEnd(64 * KIB)),
    answer: /^HTTP\/1\.1 404 .*audits no profile/s,
  },
};

const headOf = ({ path, type }: Upload, framing: string) =>
  `POST ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: ${type}\r\n${framing}\r\n\r\n`;

/** The request without its last chunk, in HTTP chunks of `size` bytes. */
function inChunks(upload: Upload, size: number): Buffer {
  const { body } = upload;
  const parts: Uint8Array[] = [Buffer.from(headOf(upload, 'transfer-encoding: chunked'))];
  for (let at = 0; at < body.length; at += size) {
    const part = body.subarray(at, at + size);
    parts.push(Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n'));
  }
  return Buffer.concat(parts);
}

const LAST_CHUNK = '0\r\n\r\n';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function bytesHeld(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

for (const [name, upload] of Object.entries(uploads)) {
  test(`${name}: chunks of one byte need little more memory than one piece`, async () => {
    const request = inChunks(upload, 1);
    const accepted = new Promise<Socket>((resolve) => app.server.once('connection', resolve));
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    let received = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text;
    });
    const connection = await accepted;
    const before = bytesHeld();
    socket.write(request);
    await until(() => connection.bytesRead === request.length);
    const held = bytesHeld() - before;
    assert.ok(held < 16 * upload.body.length, `${held} bytes are held for ${upload.body.length}`);
    socket.write(LAST_CHUNK);
    await until(() => upload.answer.test(received));
  });

  test(`${name}: pieces of every size get the same answer as one piece`, async () => {
    for (const size of [7, 1000, 65_000, upload.body.length]) {
      const request = Buffer.concat([inChunks(upload, size), Buffer.from(LAST_CHUNK)]);
      assert.match(await sendRaw(port, request), upload.answer);
    }
    const whole = Buffer.from(headOf(upload, `content-length: ${upload.body.length}`));
    assert.match(await sendRaw(port, Buffer.concat([whole, upload.body])), upload.answer);
  });
}
