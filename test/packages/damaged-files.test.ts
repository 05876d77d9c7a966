// Damaged ONNX files: 400 seeded mutations, each of which is either read or refused in one sentence.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PackageError } from '../../src/foundation/errors.js';
import { createUniform } from '../../src/foundation/random.js';
import { countFlops } from '../../src/network/flops.js';
import { extractSegment } from '../../src/network/segments.js';
import { readNetwork } from '../../src/packages/package.js';
import { buildTestNetwork } from '../support/packages/network.js';

const { model, description } = buildTestNetwork({ size: 8, width: 4 });

describe('damaged files', () => {
  /** Everything that is done with a file before a runtime sees it. */
  function useUp(bytes: Uint8Array): void {
    const { input, tensor, classes, exits } = description;
    const network = readNetwork(bytes, { classes, exits, input: { ...input, tensor, background: 0 } });
    countFlops(network);
    for (let to = 0; to < exits.length; to++) {
      for (let from = -1; from < to; from++) extractSegment(network, { from, to });
    }
  }

  it('are read or refused, whatever is damaged', () => {
    const random = createUniform(7);
    const below = (limit: number): number => Math.floor(random() * limit);
    let refused = 0;
    const started = performance.now();
    for (let round = 0; round < 400; round++) {
      const damaged = Uint8Array.from(model);
      // Half of the flips hit the structure at the front rather than the weights.
      const reach = round % 2 === 0 ? damaged.length : Math.min(4000, damaged.length);
      for (let flip = 0; flip <= round % 5; flip++) {
        const at = below(reach);
        damaged[at] = (damaged[at] ?? 0) ^ (1 << below(8));
      }
      const bytes = round % 4 === 3 ? damaged.subarray(0, below(damaged.length)) : damaged;
      try {
        useUp(bytes);
      } catch (error) {
        if (!(error instanceof PackageError)) throw error;
        assert.match(error.message, /^[^\n]+[.)]$/);
        refused++;
      }
    }
    assert.ok(refused > 100 && refused < 400, `${refused} of 400 refused`);
    assert.ok(performance.now() - started < 20_000);
  });
});
