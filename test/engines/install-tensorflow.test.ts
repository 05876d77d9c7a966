// Installing TensorFlow, up to what needs its hundreds of megabytes: which wheels, from where, checked how, and what
// of them is unpacked. The whole of it is done by continuous integration.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { unpackWheel } from '../../src/engines/tensorflow/install/unpack.js';
import {
  downloadWheel,
  recogniseWheels,
  type Wheel,
  wheelsFor,
} from '../../src/engines/tensorflow/install/wheels.js';
import { UsageError } from '../../src/foundation/errors.js';
import { commandLine, runNode } from '../support/service/serve-process.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { zipOf } from '../support/zip.js';

const content = Buffer.from('a wheel, if a short one');
const wheel: Wheel = {
  project: 'some-project',
  file: 'some_project-1.0-cp312-linux.whl',
  sha256: createHash('sha256').update(content).digest('hex'),
};

/** A package index that lists one wheel and answers with `body` for it. */
async function serveIndex(t: TestContext, body: Buffer): Promise<string> {
  const server: Server = createServer((request, response) => {
    if (request.url === '/simple/some-project/') {
      const links = [wheel.file.replace('1.0', '0.9'), wheel.file].map(
        (file) =>
          `<a href="../../files/${file}?a=1&amp;b=2#sha256=0" data-requires-python="&gt;=3.10">${file}</a>`,
      );
      response.end(`<html><body>${links.join('<br/>\n')}</body></html>`);
    } else if (request.url === `/files/${wheel.file}?a=1&b=2`) {
      response.setHeader('content-length', body.length).end(body);
    } else {
      response.writeHead(404).end();
    }
  }).listen(0, '127.0.0.1');
  t.after(async () => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/simple`;
}

const refuses = (message: RegExp) => (error: unknown) =>
  error instanceof UsageError && message.test(error.message);

test('a wheel is found in an index, downloaded and checked', async (t) => {
  const folder = temporaryFolder();
  const seen: number[] = [];
  const path = await downloadWheel(wheel, folder, await serveIndex(t, content), (download) => {
    assert.equal(download.totalBytes, content.length);
    seen.push(download.receivedBytes);
  });
  assert.deepEqual(await readFile(path), content);
  assert.equal(seen.at(-1), content.length);
});

test('what cannot be had, or is something else, is refused with one sentence', async (t) => {
  const folder = temporaryFolder();
  const index = await serveIndex(t, Buffer.from('something else'));
  const download = (one: Wheel, from: string) => downloadWheel(one, folder, from, () => {});
  await assert.rejects(
    download(wheel, index),
    refuses(/ is damaged: its sha256 is [0-9a-f]{64}, not [0-9a-f]{64}\.$/),
  );
  await assert.rejects(
    download({ ...wheel, file: 'other.whl' }, index),
    refuses(
      /^other\.whl cannot be downloaded: .*\/simple\/some-project\/ does not list other\.whl\. Get it .* --wheel\.$/,
    ),
  );
  await assert.rejects(
    download({ ...wheel, project: 'none' }, index),
    refuses(/\/simple\/none\/ answered 404\. Get/),
  );
  await assert.rejects(
    download(wheel, 'http://localhost.invalid/'),
    refuses(/cannot be downloaded: fetch failed \(.*localhost\.invalid\)\. Get/),
  );
});

test('a wheel at hand is recognised by its hash, whatever it is called', async () => {
  const folder = temporaryFolder();
  const [good, bad] = [join(folder, 'good.whl'), join(folder, wheel.file)];
  await writeFile(good, content);
  await writeFile(bad, 'something else');
  assert.deepEqual([...(await recogniseWheels([good], [wheel]))], [[wheel.sha256, good]]);
  await assert.rejects(
    recogniseWheels([good, bad], [wheel]),
    refuses(/has the sha256 .*, which none of these has: some_/),
  );
  await assert.rejects(recogniseWheels([join(folder, 'none')], [wheel]), refuses(/cannot be read: ENOENT/));
});

test('libraries, the headers they need and NVIDIA’s libraries are unpacked, and nothing else', async () => {
  const folder = temporaryFolder();
  const path = join(folder, 'some.whl');
  const names = [
    'tensorflow/libtensorflow_cc.so.2',
    'tensorflow/libtensorflow_framework.so.2',
    'tensorflow/include/tensorflow/c/eager/c_api.h',
    'tensorflow/include/Eigen/Core.h',
    'tensorflow/python/_pywrap.so',
    'nvidia/cublas/lib/libcublas.so.12',
    'nvidia/cusolver/lib/libcusolver.so.11',
    'nvidia/cusolver/lib/libcusolverMg.so.11',
    'nvidia/cuda_nvrtc/lib/libnvrtc-builtins.so.12.9',
    'nvidia/cuda_nvrtc/lib/libnvrtc-builtins.alt.so.12.9',
    'nvidia/cublas/include/cublas.h',
    'nvidia/cublas/lib/deeper/libother.so.12',
  ];
  await writeFile(path, zipOf(names.map((name) => [name, Buffer.from(name)])));
  const deps = join(folder, 'deps');
  const wanted = [
    'include/tensorflow/c/eager/c_api.h',
    'lib/libtensorflow_cc.so.2',
    'lib/libtensorflow_framework.so.2',
    'nvidia/cuda_runtime/lib/libcublas.so.12',
    'nvidia/cuda_runtime/lib/libcusolver.so.11',
    'nvidia/cuda_runtime/lib/libnvrtc-builtins.so.12.9',
  ];
  assert.equal(await unpackWheel(path, deps), wanted.length);
  const paths = await readdir(deps, { recursive: true });
  assert.deepEqual(paths.filter((one) => /\.(h|so)/.test(one)).sort(), wanted);
});

const skip = process.platform === 'linux' ? false : 'TensorFlow is for Linux only';

test('every wheel that is pinned has a whole hash, and TensorFlow’s own comes first', { skip }, async () => {
  for (const device of ['cpu', 'gpu'] as const) {
    const wheels = process.arch === 'x64' || device === 'cpu' ? await wheelsFor(device) : [];
    for (const { sha256 } of wheels) assert.match(sha256, /^[0-9a-f]{64}$/);
    assert.match(wheels[0]?.file ?? 'tensorflow', /^tensorflow/);
  }
});

test('the command says in one sentence what is missing, before anything is changed', { skip }, async (t) => {
  const install = (flags: string[], environment: Record<string, string> = {}) =>
    runNode(t, [commandLine, 'install-tensorflow', ...flags], environment).ended;
  const neither = await install([]);
  assert.deepEqual([neither.code, neither.stderr], [1, 'rdi-serve: Give either --cpu or --gpu.\n']);
  const both = await install(['--cpu', '--gpu']);
  assert.deepEqual([both.code, both.stderr], [1, 'rdi-serve: Give either --cpu or --gpu.\n']);
  const { code, stdout, stderr } = await install(['--cpu'], { CXX: '/nowhere/c++' });
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(stderr, /^rdi-serve: There is no C\+\+ compiler "\/nowhere\/c\+\+"; install one .*\.\n$/);
});
