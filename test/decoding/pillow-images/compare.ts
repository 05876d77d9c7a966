// Holds both ways of decoding to what Pillow makes of its own test images, and reports: read alike, read otherwise,
// refused. Fails unless documented.ts and docs/images.md list exactly what differs, with the counts. See run.sh.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createDecoder } from '../../../src/decoding/decode.js';
import { decodeFast, suitsFastPath } from '../../../src/decoding/fast-path.js';
import type { ImageHeader } from '../../../src/decoding/image-header.js';
import { formatOf, readHeader } from '../../../src/decoding/read-header.js';
import { createSharpDecode } from '../../../src/decoding/sharp-path.js';
import { Failure } from '../../../src/foundation/errors.js';
import { modelInput } from '../../support/images/images.js';
import { documented } from './documented.js';

/**
 * Mean grey levels. Two decoders of one JPEG differ by rounding, and by how they upsample halved colour; to reduce a JPEG
 * or WebP, libvips begins while it loads.
 */
const NOISE = { whole: { png: 1, jpeg: 1.5, webp: 1.5 }, resized: 6 };
const SIDE = 48;

interface Expected {
  readonly name: string;
  readonly opened: boolean;
  readonly refused?: string;
  readonly pixels?: string;
  readonly resized?: string;
}

interface Outcome {
  readonly name: string;
  readonly kind: 'alike' | 'other' | 'refused' | 'only-here' | 'refused-by-both';
  readonly says: string;
}

const [images = '', expectations = ''] = process.argv.slice(2);
const decodeWithSharp = createSharpDecode(2 ** 27);
const decoder = createDecoder({ maxImagePixels: 2 ** 27, maxImageMemoryBytes: 2 ** 29 });
const listed = JSON.parse(await readFile(join(expectations, 'expected.json'), 'utf8')) as Expected[];
const docs = await readFile(join(import.meta.dirname, '../../../../docs/images.md'), 'utf8');
/** What the documents say of this comparison, in one line a paragraph. */
const section = docs.slice(docs.indexOf('## Beside Pillow')).replace(/([^\n|])\n(?=[^\n|])/g, '$1 ');
const inWords = ['none', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten'];
let fast = 0;

const outcomes: Outcome[] = [];
for (const one of listed) outcomes.push({ name: one.name, ...(await compare(one)) });
report();

async function compare(one: Expected): Promise<Omit<Outcome, 'name'>> {
  const bytes = await readFile(join(images, one.name));
  const size = one.pixels === undefined ? { width: SIDE, height: SIDE } : await readPpm(one.pixels);
  try {
    const whole = await decoder.decode(bytes, undefined, inputOf(size));
    if (one.pixels === undefined) return { kind: 'only-here', says: one.refused ?? '' };
    const format = formatOf(bytes);
    const header = format && readHeader(format, bytes);
    if (format === undefined || header === undefined) throw new Error('It was decoded without a header.');
    const resized = await decoder.decode(bytes, undefined, inputOf({ width: SIDE, height: SIDE }));
    const differences = {
      whole: meanDifference(whole, (await readPpm(one.pixels)).pixels),
      resized: meanDifference(resized, (await readPpm(one.resized ?? '')).pixels),
      fast: await differenceOfFast(bytes, header, size),
    };
    const isAlike =
      differences.whole <= NOISE.whole[format] &&
      differences.resized <= NOISE.resized &&
      differences.fast <= NOISE.whole[format];
    const says = Object.entries(differences).map(([name, value]) => `${name} ${value.toFixed(2)}`);
    return { kind: isAlike ? 'alike' : 'other', says: says.join(', ') };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const cause = error.cause instanceof Error ? ` (${error.cause.message.split('\n')[0]})` : '';
    return { kind: one.opened ? 'refused' : 'refused-by-both', says: `${error.message}${cause}` };
  }
}

/** Mean difference in grey levels between the fast path, if it takes this image, and the thorough one. */
async function differenceOfFast(bytes: Buffer, header: ImageHeader, size: Size): Promise<number> {
  const input = inputOf(size);
  const isUpright = header.width === size.width && header.height === size.height;
  // As if it were small: the question is whether the pixels are the same.
  const one = { width: 1, height: 1 };
  if (!isUpright || !suitsFastPath({ ...header, ...one }, 0, { ...input, ...one })) return 0;
  const pixels = decodeFast(bytes, input);
  if (pixels === undefined) return 0;
  fast++;
  return meanDifference(pixels, await decodeWithSharp(bytes, header, input));
}

interface Size {
  readonly width: number;
  readonly height: number;
}

function inputOf({ width, height }: Size) {
  return modelInput({ width, height, channels: 3 });
}

async function readPpm(name: string): Promise<Size & { pixels: Uint8Array }> {
  const bytes = await readFile(join(expectations, name));
  const [head = '', width, height] = /^P6\s(\d+)\s(\d+)\s255\s/.exec(bytes.toString('latin1', 0, 64)) ?? [];
  return { width: Number(width), height: Number(height), pixels: bytes.subarray(head.length) };
}

function meanDifference(some: Uint8Array, others: Uint8Array): number {
  if (some.length !== others.length) return Number.POSITIVE_INFINITY;
  return some.reduce((sum, value, index) => sum + Math.abs(value - (others[index] ?? 0)), 0) / some.length;
}

function report(): void {
  const count = (kind: Outcome['kind']) => outcomes.filter((one) => one.kind === kind).length;
  const alike = count('alike');
  const byNobody = count('refused-by-both');
  console.log(`${listed.length} files, ${alike} read as Pillow reads them; ${fast} by the fast path, too`);
  console.log(`${count('other')} read otherwise, ${count('refused')} refused that Pillow opens`);
  console.log(`${byNobody} refused by both, ${count('only-here')} read that Pillow refuses`);
  const differing = outcomes.filter(({ kind }) => kind !== 'alike' && kind !== 'refused-by-both');
  for (const { name, kind, says } of differing) {
    const reason = documented.find(({ files }) => files.includes(name))?.reason ?? 'NOT EXPLAINED';
    console.log(`${kind.padEnd(9)} ${name}: ${says} — ${reason}`);
  }
  const names = differing.map(({ name }) => name).sort();
  assert.deepEqual(documented.flatMap(({ files }) => files).sort(), names, 'documented.ts has other files');
  assert.deepEqual(namesIn(section), names, 'the table in docs/images.md has other files');
  const counts = `Of ${listed.length} files, libvips reads ${alike} as Pillow does, ${fast} of them also on the fast path`;
  assert.ok(section.includes(counts), `docs/images.md says other counts than: ${counts}`);
  assert.ok(
    section.includes(`; both refuse ${inWords[byNobody]}.`),
    `docs/images.md: both refuse ${byNobody}`,
  );
}

/** The files that the rows of a table begin with. */
function namesIn(text: string): string[] {
  const cells = [...text.matchAll(/^\| (`.*?) \|/gm)].map(([, cell = '']) => cell);
  return cells.flatMap((cell) => [...cell.matchAll(/`(.+?)`/g)].map(([, name = '']) => name)).sort();
}
