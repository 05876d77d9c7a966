import assert from 'node:assert/strict';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  decodeScores,
  encodeScores,
  readScores,
  writeScores,
} from '../../../src/calibration/scores/scores-file.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { syntheticRecording } from '../synthetic.js';

const recording = syntheticRecording(7, 41);

test('recorded scores come back as they were, with and without true classes', () => {
  assert.deepEqual(decodeScores(encodeScores(recording)), recording);
  const { truth: _, ...unlabelled } = recording;
  assert.deepEqual(decodeScores(encodeScores(unlabelled)), unlabelled);
});

test('the file is safetensors: length, JSON header, values on multiples of 8 bytes', () => {
  const file = Buffer.from(encodeScores(recording));
  const length = Number(file.readBigUInt64LE());
  assert.equal(length % 8, 0);
  const header = JSON.parse(file.toString('utf8', 8, 8 + length));
  assert.deepEqual(header.logits, { dtype: 'F32', shape: [7, 3, 4], data_offsets: [0, 336] });
  assert.equal(file.length, 8 + length + 336 + 28);
  assert.equal(file.readFloatLE(8 + length), recording.logits[0]);
});

test('scores that do not say of which preprocessing, as files once did not, are to be recorded anew', () => {
  // Of the same length, so that only the key is missing.
  const older = Buffer.from(
    Buffer.from(encodeScores(recording)).toString('latin1').replace('describedSha256', 'something-else-'),
    'latin1',
  );
  assert.throws(() => decodeScores(older), { name: 'UsageError', message: /earlier version.*record anew/ });
});

test('a file of scores is there whole or not at all', async () => {
  const folder = temporaryFolder();
  await writeScores(join(folder, 'kept'), recording);
  assert.deepEqual(await readScores(join(folder, 'kept')), recording);
  // What keeps the last step from being taken leaves nothing behind, as does a folder that is not there.
  await mkdir(join(folder, 'taken', 'inside'), { recursive: true });
  for (const path of [join(folder, 'taken'), join(folder, 'missing', 'kept')]) {
    await assert.rejects(writeScores(path, recording), { name: 'UsageError', message: /cannot be written/ });
  }
  assert.deepEqual((await readdir(folder)).sort(), ['kept', 'taken']);
});

test('what is truncated, or something else, is refused', () => {
  const file = encodeScores(recording);
  for (const damaged of [
    file.subarray(0, -1),
    file.subarray(0, 20),
    new Uint8Array(),
    Buffer.from('no scores'),
  ]) {
    assert.throws(() => decodeScores(damaged), { name: 'UsageError', message: /scores/ });
  }
});
