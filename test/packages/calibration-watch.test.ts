// Looking for changed packages: what is settled is left alone until it changes, what is not is tried again.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { watchCalibrations } from '../../src/packages/calibration-watch.js';
import { until } from '../support/service/service.js';
import { temporaryFolder } from '../support/temporary-folder.js';

test('a change is tried until it is settled, and not once more', async (t) => {
  const folders = { settled: temporaryFolder(), passing: temporaryFolder() };
  const calls = { settled: [] as boolean[], passing: [] as boolean[] };
  for (const folder of Object.values(folders)) await writeFile(join(folder, 'calibration.json'), '{}');
  const end = watchCalibrations({
    directories: Object.values(folders),
    intervalSeconds: 0.01,
    async onChange(directory, again) {
      const name = directory === folders.settled ? 'settled' : 'passing';
      calls[name].push(again);
      return name === 'settled' || calls.passing.length >= 3;
    },
  });
  t.after(end);
  await until(() => calls.passing.length === 3);
  assert.deepEqual(calls, { settled: [false], passing: [false, true, true] });
  for (const folder of Object.values(folders)) await writeFile(join(folder, 'calibration.json'), '{ }');
  await until(() => calls.settled.length + calls.passing.length === 6);
  assert.deepEqual(calls, { settled: [false, false], passing: [false, true, true, false] });
});
