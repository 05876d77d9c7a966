// Damaged images: whatever two thousand of them do, the outcome is pixels of the right length or a Failure.
import assert from 'node:assert/strict';
import test from 'node:test';
import { createDecoder } from '../../src/decoding/decode.js';
import { Failure } from '../../src/foundation/errors.js';
import { createUniform } from '../../src/foundation/random.js';
import { modelInput, textured } from '../support/images/images.js';

const MUTATIONS = 2000;
const SEED = 20200427;
/** Where the size, the bit depth, the colour type and the first markers stand in all three formats. */
const HEADER_BYTES = 64;

test(`${MUTATIONS} mutated images`, { timeout: 120_000 }, async () => {
  const decoder = createDecoder({ maxImagePixels: 1_000_000, maxImageMemoryBytes: 2 ** 28 });
  const originals = await Promise.all([
    textured(28, 28, 1).png().toBuffer(),
    textured(28, 28, 4).png().toBuffer(),
    textured(28, 28, 3).png({ palette: true }).toBuffer(),
    textured(28, 28, 1).jpeg().toBuffer(),
    textured(28, 28, 3).jpeg({ chromaSubsampling: '4:4:4' }).toBuffer(),
    textured(40, 24, 3)
      .jpeg({ progressive: true })
      .withExif({ IFD0: { Artist: 'nobody' } })
      .toBuffer(),
    textured(28, 28, 3).webp().toBuffer(),
    textured(40, 24, 4).webp({ lossless: true }).toBuffer(),
  ]);
  const random = createUniform(SEED);
  const outcomes = new Map<string, number>();
  for (let index = 0; index < MUTATIONS; index++) {
    const original = originals[index % originals.length] ?? Buffer.alloc(0);
    const mutant = mutate(original, random);
    const input = modelInput(
      { height: 28, width: 28, channels: random() < 0.5 ? 1 : 3 },
      { resize: random() < 0.5 ? 'cover' : 'contain' },
    );
    const outcome = await decodeOnce(() => decoder.decode(mutant, undefined, input));
    const name =
      typeof outcome === 'string' ? outcome : outcome.length === 784 * input.channels && 'right length';
    assert.ok(name, `mutation ${index} of seed ${SEED} gave pixels of a wrong length`);
    outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
  }
  assert.deepEqual([...outcomes.keys()].sort(), ['image-too-large', 'right length', 'undecodable-image']);
});

/** The pixels, or the type of the Failure; throws whatever else was thrown. */
async function decodeOnce(decode: () => Uint8Array | Promise<Uint8Array>): Promise<Uint8Array | string> {
  try {
    return await decode();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return error.type;
  }
}

/** A copy with one to four bytes changed anywhere, or in the header alone, or cut short, or with bytes doubled. */
function mutate(original: Buffer, random: () => number): Buffer {
  const below = (limit: number) => Math.floor(random() * limit);
  const copy = Buffer.from(original);
  const kind = below(4);
  if (kind === 0) return copy.subarray(0, below(copy.length));
  if (kind === 1) {
    const from = below(copy.length);
    return Buffer.concat([copy.subarray(0, from), copy.subarray(below(from + 1))]);
  }
  const reach = kind === 2 ? copy.length : Math.min(HEADER_BYTES, copy.length);
  for (let count = 1 + below(4); count > 0; count--) copy[below(reach)] = below(256);
  return copy;
}
