// Capital letters that look like no digit, drawn with a pen as digits are in MNIST: white on black, 20 of 28 pixels high
// or wide, slanted and trembling.
import sharp from 'sharp';

/** The side of an image, and that of the box in which the strokes are given. */
const SIDE = 28;
const BOX = 20;

/** The strokes of each letter, as points in a box of 10 × 10. */
const shapes = [
  '0,10 5,0 10,10|2,6 8,6', // A
  '10,0 0,0 0,10 10,10|0,5 7,5', // E
  '10,0 0,0 0,10|0,5 7,5', // F
  '0,0 0,10|10,0 10,10|0,5 10,5', // H
  '0,0 0,10|9,0 0,5 9,10', // K
  '0,10 0,0 5,6 10,0 10,10', // M
  '0,10 0,0 10,10 10,0', // N
  '0,10 0,0 8,1 8,5 0,5', // P
  '0,10 0,0 8,1 8,5 0,5 9,10', // R
  '0,0 10,0|5,0 5,10', // T
  '0,0 1,8 5,10 9,8 10,0', // U
  '0,0 5,10 10,0', // V
  '0,0 2,10 5,3 8,10 10,0', // W
  '0,0 10,10|10,0 0,10', // X
  '0,0 5,5 10,0|5,5 5,10', // Y
];

/** @returns `count` PNG files, the same for the same generator */
export async function drawLetters(count: number, uniform: () => number): Promise<Buffer[]> {
  const images: Buffer[] = [];
  for (let index = 0; index < count; index++) {
    const svg = Buffer.from(drawing(shapes[index % shapes.length] as string, uniform));
    images.push(await sharp(svg).toColourspace('b-w').png().toBuffer());
  }
  return images;
}

function drawing(shape: string, uniform: () => number): string {
  const between = (least: number, most: number): number => least + (most - least) * uniform();
  const [width, height] = [between(10, BOX - 4), between(BOX - 4, BOX - 2)];
  const [slant, tremble, pen] = [between(-0.1, 0.3), between(0, 0.8), between(1.8, 3.2)];
  const place = (point: string): string => {
    const [x = 0, y = 0] = point.split(',').map(Number);
    const across = SIDE / 2 + ((x - 5) / 10) * width - slant * ((y - 5) / 10) * height;
    const down = SIDE / 2 + ((y - 5) / 10) * height;
    return `${across + tremble * between(-1, 1)},${down + tremble * between(-1, 1)}`;
  };
  const lines = shape
    .split('|')
    .map((stroke) => `<polyline points="${stroke.split(' ').map(place).join(' ')}"/>`)
    .join('');
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${SIDE}" height="${SIDE}"><rect width="100%" height="100%"/>` +
    `<g fill="none" stroke="#fff" stroke-width="${pen}" stroke-linecap="round" stroke-linejoin="round">${lines}</g></svg>`
  );
}
