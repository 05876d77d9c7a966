// A few statistics of an image as the network takes it: brightness, contrast, edges, extremes and colour. They take a
// pass over the pixels, and depend on no exit, profile, engine or other image.
import type { ImageValues } from '../cascade/image-tensor.js';
import type { ModelInput } from '../format/manifest.js';
import { statisticsOf } from '../format/typicality.js';
import { type ColourSums, pixelReader, type ReadRow, valueReader } from './read-row.js';

/** Of large images, so many rows are read, each with the next one. */
const MOST_ROWS = 64;
/** A grey level; added where a logarithm is taken. */
const LEVEL = 1 / 255;
/** Added to shares where a logarithm is taken. */
const LEAST_SHARE = 0.01;
/** Between grey levels, so that no rounding of prepared values decides. */
const BLACK = 4.5 / 255;
const WHITE = 250.5 / 255;

/** Sums over the brightness of the pixels that were read. */
interface Sums {
  rows: number;
  sum: number;
  squares: number;
  black: number;
  white: number;
  /** Squared differences between neighbours in a row, and the number of pairs. */
  across: number;
  /** The same in a column. */
  down: number;
  downPairs: number;
}

/**
 * @returns a function from one image to its statistics, in the order of `statisticNames`. Pixels, uint8
 *   [height, width, channels], and the graph's own values, as they are made from these pixels, give the same but for
 *   rounding. The result is overwritten by the next call.
 */
export function createImageStatistics(input: ModelInput): (values: ImageValues) => Float64Array {
  const [readPixels, readValues] = [pixelReader(input), valueReader(input)];
  const rows: [Float64Array, Float64Array] = [new Float64Array(input.width), new Float64Array(input.width)];
  const statistics = new Float64Array(statisticsOf(input).length);
  return (values) => {
    const colours = { red: 0, green: 0, blue: 0, squares: 0 };
    const read = values instanceof Uint8Array ? readPixels : readValues;
    const sums = sumUp(values, input, read, rows, colours);
    summarise(sums, input, statistics);
    if (input.channels === 3) summariseColours(colours, sums, input, statistics);
    return statistics;
  };
}

function sumUp(
  values: ImageValues,
  { height, width }: ModelInput,
  read: ReadRow,
  [first, second]: readonly [Float64Array, Float64Array],
  colours: ColourSums,
): Sums {
  const step = Math.ceil(height / MOST_ROWS);
  const sums: Sums = { rows: 0, sum: 0, squares: 0, black: 0, white: 0, across: 0, down: 0, downPairs: 0 };
  let [row, below] = [first, second];
  for (let y = 0; y < height; y += step) {
    // Of a small image, the row was read as the one below the last.
    if (y === 0 || step > 1) read(values, y, row, colours);
    addRow(row, sums);
    if (y + 1 === height) continue;
    read(values, y + 1, below, step > 1 ? undefined : colours);
    addPairs(row, below, sums);
    [row, below] = [below, row];
  }
  sums.downPairs *= width;
  return sums;
}

function addRow(row: Float64Array, sums: Sums): void {
  let left = row[0] as number;
  let [sum, squares, across, black, white] = [0, 0, 0, 0, 0];
  for (let x = 0; x < row.length; x++) {
    const value = row[x] as number;
    sum += value;
    squares += value * value;
    across += (value - left) * (value - left);
    if (value < BLACK) black++;
    else if (value > WHITE) white++;
    left = value;
  }
  sums.rows++;
  sums.sum += sum;
  sums.squares += squares;
  sums.across += across;
  sums.black += black;
  sums.white += white;
}

function addPairs(row: Float64Array, below: Float64Array, sums: Sums): void {
  let down = 0;
  for (let x = 0; x < row.length; x++) {
    const difference = (below[x] as number) - (row[x] as number);
    down += difference * difference;
  }
  sums.down += down;
  sums.downPairs++;
}

/** Writes the statistics of brightness. Edges are relative to the contrast. */
function summarise(sums: Sums, { width }: ModelInput, statistics: Float64Array): void {
  const pixels = sums.rows * width;
  const contrast = deviation(sums.sum, sums.squares, pixels) + LEVEL;
  statistics[0] = sums.sum / pixels;
  statistics[1] = Math.log(contrast);
  statistics[2] = Math.log((root(sums.across, sums.rows * (width - 1)) + LEVEL) / contrast);
  statistics[3] = Math.log((root(sums.down, sums.downPairs) + LEVEL) / contrast);
  statistics[4] = Math.log(sums.black / pixels + LEAST_SHARE);
  statistics[5] = Math.log(sums.white / pixels + LEAST_SHARE);
}

/** Writes how far the colours are from grey: of the pixels, and of their mean. */
function summariseColours(
  { red, green, blue, squares }: ColourSums,
  { rows, sum, squares: ofBrightness }: Sums,
  { width }: ModelInput,
  statistics: Float64Array,
): void {
  const pixels = rows * width;
  const fromGrey = (red - sum) ** 2 + (green - sum) ** 2 + (blue - sum) ** 2;
  statistics[6] = Math.log(root(squares / 3 - ofBrightness, pixels) + LEVEL);
  statistics[7] = Math.log(root(fromGrey, 3 * pixels * pixels) + LEVEL);
}

function deviation(sum: number, squares: number, count: number): number {
  return root(squares - (sum * sum) / count, count);
}

/** The root of a mean of squares; 0 of none. Rounding can make a sum of squares less than 0. */
function root(squares: number, count: number): number {
  return squares <= 0 ? 0 : Math.sqrt(squares / count);
}
