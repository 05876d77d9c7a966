// Peers are started, waited for and ended with all that they have started, here with stand-ins written for Node.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type PeerStart, startPeer } from '../../../bench/peers/peer-process.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const onLinux = { skip: process.platform !== 'linux', timeout: 30_000 };

async function startOf(script: string): Promise<PeerStart & { folder: string }> {
  const folder = temporaryFolder();
  await writeFile(join(folder, 'peer.mjs'), script);
  return {
    command: process.execPath,
    arguments: [join(folder, 'peer.mjs')],
    environment: { PEER_WORKERS: '1' },
    workingFolder: folder,
    logFile: join(folder, 'log'),
    isReady: (url) =>
      fetch(url).then(
        ({ ok }) => ok,
        () => false,
      ),
    patienceSeconds: 10,
    folder,
  };
}

const isThere = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
};

test('stopping ends children that have left the group and do not listen', onLinux, async () => {
  const start = await startOf(`import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { writeFileSync } from 'node:fs';
const stubborn = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000);";
const child = spawn(process.execPath, ['--eval', stubborn], { detached: true, stdio: 'ignore' });
writeFileSync('child', String(child.pid));
createServer((request, response) => response.end(request.url)).listen(Number(process.env.PEER_PORT), '127.0.0.1');
`);
  const { url, pid, stop } = await startPeer(start);
  assert.equal(await (await fetch(url)).text(), '/classify');
  const child = Number(readFileSync(join(start.folder, 'child'), 'utf8'));
  assert.ok(isThere(pid) && isThere(child));
  await stop();
  for (let attempt = 0; isThere(child) || isThere(pid); attempt++) {
    assert.ok(attempt < 100, 'something outlived it');
    await sleep(20);
  }
});

test('one that ends says why by the end of its log', onLinux, async () => {
  const start = await startOf(`console.error('no module named so'); process.exit(3);`);
  await assert.rejects(startPeer(start), { message: 'it ended with exit code 3: no module named so' });
});

test('one that is never ready is given up and ended', onLinux, async () => {
  const start = await startOf(`import { renameSync, writeFileSync } from 'node:fs';
writeFileSync('new', String(process.pid));
renameSync('new', 'pid');
setInterval(() => {}, 1000);`);
  const file = join(start.folder, 'pid');
  // However slow the machine: it is given up once it runs.
  const isReady = async () => {
    while (!existsSync(file)) await sleep(20);
    return false;
  };
  await assert.rejects(startPeer({ ...start, isReady, patienceSeconds: 1 }), {
    message: 'it was not ready within 1 s: its log is empty',
  });
  assert.ok(!isThere(Number(readFileSync(file, 'utf8'))));
});

test('a command that is not there is an error, not an end of this process', onLinux, async () => {
  const start = await startOf('');
  await assert.rejects(startPeer({ ...start, command: '/no/such/python' }), /ENOENT/);
});
