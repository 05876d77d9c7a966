// Makes a model package with random weights, for benchmarks without a trained model. For 32 × 32 images it costs as
// much as ResNet-38 (about 83 million multiply-accumulates). The cost is proportional to the number of pixels.
// Usage: node dist/bench/make-network.js [models folder] [height and width of the image]
import process from 'node:process';
import { positiveInteger } from '../src/foundation/numbers.js';
import { costTable } from '../src/report/cost-table.js';
import { writeTestPackage } from '../test/support/packages/network.js';

const [models = 'models', sizeText = '32'] = process.argv.slice(2);
const size = positiveInteger(sizeText);
const { directory, manifest } = await writeTestPackage(models, {
  name: `random-${Math.round(83 * (size / 32) ** 2)}m`,
  size,
  width: 64,
  exits: 3,
  calibration: {
    formatVersion: 1,
    defaultProfile: 'half',
    profiles: { half: { policy: 'entropy', thresholds: [0.5, 0.5] } },
  },
});
process.stdout.write(`${directory}\n\n${costTable(manifest)}`);
