// Draws the example images of docs/examples, the same on every run: white on black, 28 × 28 pixels, the digit about
// 20 × 20 around its centre of mass, as MNIST has them. Neighbours: digit-strokes.ts, write-examples.ts.
import sharp, { type Sharp } from 'sharp';
import { type DigitName, type DigitShape, digitShapes } from './digit-strokes.js';

/** The side of an image, and that of the box in which the strokes are given. */
const SIDE = 28;
const BOX = 20;
const LARGE_SIDE = 280;
const SEED = 28;

type Point = readonly [x: number, y: number];

/**
 * Every example image, encoded, by its file name. Draws SVG, so call it before a decoder is created: that closes
 * sharp's SVG loader for the whole process.
 */
export async function drawExamples(): Promise<ReadonlyMap<string, Buffer>> {
  const examples = new Map<string, Buffer>();
  for (const name of Object.keys(digitShapes) as DigitName[]) {
    examples.set(`${name}.png`, await (await draw(name, SIDE)).png().toBuffer());
  }
  const large = await draw('digit-3', LARGE_SIDE);
  examples.set('digit-3-large.jpg', await large.jpeg({ quality: 85 }).toBuffer());
  const five = await draw('digit-5', SIDE);
  examples.set('digit-5.webp', await five.webp({ lossless: true }).toBuffer());
  return examples;
}

/** One digit as a grey image of side × side pixels. */
async function draw(name: DigitName, side: number): Promise<Sharp> {
  const shape: DigitShape = digitShapes[name];
  const random = seeded(SEED + Object.keys(digitShapes).indexOf(name));
  const margin = (SIDE - BOX) / 2;
  const curves = shape.strokes.map((stroke) => curve(written(stroke, shape, random)));
  const drawing = await render(svg(curves, shape.penWidth, margin, margin), LARGE_SIDE);
  const [x, y] = centreOfMass(drawing, LARGE_SIDE);
  const scale = SIDE / LARGE_SIDE;
  const centred = svg(curves, shape.penWidth, margin + SIDE / 2 - x * scale, margin + SIDE / 2 - y * scale);
  const pixels = await render(centred, side);
  const dirty = pixels.map((value) => clamp(value + shape.dirt * (2 * random() - 1)));
  return sharp(dirty, { raw: { width: side, height: side, channels: 1 } }).toColourspace('b-w');
}

/** Where a trembling, slanting hand puts the points of a stroke. */
function written(stroke: string, { slant, tremble }: DigitShape, random: () => number): Point[] {
  const miss = () => tremble * (2 * random() - 1);
  return stroke.split(' ').map((point) => {
    const [x = 0, y = 0] = point.split(',').map(Number);
    return [x + miss() + slant * (BOX / 2 - y), y + miss()];
  });
}

/** A smooth path through the points (Catmull-Rom, written as Bézier curves). */
function curve(points: readonly Point[]): string {
  const at = (index: number): Point => points[Math.max(0, Math.min(points.length - 1, index))] ?? [0, 0];
  const pieces = points.slice(1).map((end, index) => {
    const [before, start, after] = [at(index - 1), at(index), at(index + 2)];
    const out = [start[0] + (end[0] - before[0]) / 6, start[1] + (end[1] - before[1]) / 6];
    const into = [end[0] - (after[0] - start[0]) / 6, end[1] - (after[1] - start[1]) / 6];
    return `C${out.join(',')} ${into.join(',')} ${end.join(',')}`;
  });
  return `M${at(0).join(',')}${pieces.join('')}`;
}

function svg(curves: readonly string[], penWidth: number, left: number, top: number): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${SIDE} ${SIDE}">
    <rect width="${SIDE}" height="${SIDE}"/>
    <path transform="translate(${left},${top})" d="${curves.join('')}" stroke-width="${penWidth}"
      fill="none" stroke="white" stroke-linecap="round" stroke-linejoin="round"/>
  </svg>`;
}

/** uint8 [side, side] grey. Drawn four times as large, so that the edges are soft. */
async function render(image: string, side: number): Promise<Uint8Array> {
  const large = sharp(Buffer.from(image), { density: (72 * 4 * side) / SIDE });
  return large.resize(side, side, { kernel: 'cubic' }).toColourspace('b-w').raw().toBuffer();
}

function centreOfMass(pixels: Uint8Array, side: number): readonly [x: number, y: number] {
  let [mass, x, y] = [0, 0, 0];
  pixels.forEach((value, index) => {
    mass += value;
    x += value * ((index % side) + 0.5);
    y += value * (Math.floor(index / side) + 0.5);
  });
  return [x / mass, y / mass];
}

function clamp(value: number): number {
  return Math.round(Math.max(0, Math.min(255, value)));
}

/** Uniform numbers in [0, 1) from a seed (Mulberry32): the pictures in docs/examples were drawn with it, and stay as they are. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
