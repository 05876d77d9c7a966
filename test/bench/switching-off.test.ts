import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { flopsCost } from '../../src/calibration/cost.js';
import { createExitTable } from '../../src/calibration/scores/exit-table.js';
import { exitsTaken, totalCost } from '../../src/calibration/scores/replay.js';
import { writeScores } from '../../src/calibration/scores/scores-file.js';
import { classes, syntheticRecording } from '../calibration/synthetic.js';
import { writeProfiledPackage } from '../support/packages/profiled-package.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const script = fileURLToPath(new URL('../../bench/switching-off.js', import.meta.url));

test('the package’s profiles are evaluated under their own policies', async () => {
  const [models, scores] = [temporaryFolder(), join(temporaryFolder(), 'scores')];
  const { package: made } = await writeProfiledPackage(models, { classes });
  const recording = syntheticRecording(300, 6);
  await writeScores(scores, recording);
  const stdout = await new Promise<string>((resolve) => {
    // Whether switching off pays on so few images is no matter here.
    execFile(process.execPath, [script, models, 'tiny', scores, '1'], (_, output) => resolve(output));
  });
  const { exits } = made.manifest;
  for (const { name, policy, thresholds } of made.profiles.values()) {
    const taken = exitsTaken(createExitTable(recording, policy), thresholds);
    const megaflops = totalCost(taken, flopsCost(exits)(thresholds)) / recording.images / 1e6;
    const [, shown] = stdout.match(new RegExp(`^profile ${name} +as packaged +(\\S+) `, 'm')) ?? [];
    assert.equal(shown, megaflops.toFixed(2), `${name}, ${policy}`);
  }
});
