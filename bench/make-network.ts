// Makes a model package with random weights that costs what a ResNet-38 for 32 × 32 images does (about 83 million
// multiply-accumulates), for benchmarks without a trained model. Its answers mean nothing.
// Usage: node dist/bench/make-network.js [models folder]
import process from 'node:process';
import { costTable } from '../src/cli/import.js';
import { writeTestPackage } from '../test/support/network.js';

const [models = 'models'] = process.argv.slice(2);
const { directory, manifest } = await writeTestPackage(models, {
  name: 'random-83m',
  size: 32,
  width: 64,
  exits: 3,
  calibration: {
    formatVersion: 1,
    defaultProfile: 'half',
    profiles: { half: { policy: 'entropy', thresholds: [0.5, 0.5] } },
  },
});
process.stdout.write(`${directory}\n\n${costTable(manifest)}`);
