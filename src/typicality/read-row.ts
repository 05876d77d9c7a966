// Reads a row of an image as brightness, from pixels or from the graph's own values.
import type { ImageValues } from '../cascade/image-tensor.js';
import type { ModelInput } from '../format/manifest.js';

/** Sums over the values of colour images, 0 to 1. */
export interface ColourSums {
  red: number;
  green: number;
  blue: number;
  squares: number;
}

/**
 * Writes the brightness of a row's pixels, 0 to 1, the mean of the channels.
 * @param sums of colour images, the row is added to them
 */
export type ReadRow = (
  values: ImageValues,
  y: number,
  row: Float64Array,
  sums: ColourSums | undefined,
) => void;

/** For uint8 pixels [height, width, channels]. */
export function pixelReader({ width, channels }: ModelInput): ReadRow {
  return channels === 1
    ? (pixels, y, row) => {
        const start = y * width;
        for (let x = 0; x < width; x++) row[x] = (pixels[start + x] as number) / 255;
      }
    : (pixels, y, row, sums) => {
        let [red, green, blue, squares] = [0, 0, 0, 0];
        let place = y * width * 3;
        for (let x = 0; x < width; x++) {
          const [r, g, b] = [
            pixels[place] as number,
            pixels[place + 1] as number,
            pixels[place + 2] as number,
          ];
          red += r;
          green += g;
          blue += b;
          squares += r * r + g * g + b * b;
          row[x] = (r + g + b) / 765;
          place += 3;
        }
        if (sums) add(sums, red / 255, green / 255, blue / 255, squares / 255 ** 2);
      };
}

/** For the graph's own values: they become 0 where black, and 1 where white. */
export function valueReader(input: ModelInput): ReadRow {
  const { height, width, channels, layout, mean, std, range: [black = 0, white = 1] = [] } = input;
  const isLast = layout === 'nhwc';
  const [strideX, strideY] = isLast ? [channels, width * channels] : [1, width];
  const strideChannel = isLast ? 1 : height * width;
  // Constants of each channel: a division for each value would take most of the time.
  const factors = std.map((scale) => scale / (white - black));
  const offsets = mean.map((shift) => (shift - black) / (white - black));
  const [factor = 1, offset = 0] = [factors[0], offsets[0]];
  if (channels === 1)
    return (values, y, row) => {
      const start = y * strideY;
      for (let x = 0; x < width; x++) row[x] = (values[start + x] as number) * factor + offset;
    };

  const [redAt, blueAt] = input.channelOrder === 'bgr' ? [2, 0] : [0, 2];
  const factorsOf = { red: factors[redAt] ?? 1, green: factors[1] ?? 1, blue: factors[blueAt] ?? 1 };
  const offsetsOf = { red: offsets[redAt] ?? 0, green: offsets[1] ?? 0, blue: offsets[blueAt] ?? 0 };
  const [toRed, toBlue] = [redAt * strideChannel, blueAt * strideChannel];
  return (values, y, row, sums) => {
    let [red, green, blue, squares] = [0, 0, 0, 0];
    let place = y * strideY;
    for (let x = 0; x < width; x++) {
      const r = (values[place + toRed] as number) * factorsOf.red + offsetsOf.red;
      const g = (values[place + strideChannel] as number) * factorsOf.green + offsetsOf.green;
      const b = (values[place + toBlue] as number) * factorsOf.blue + offsetsOf.blue;
      red += r;
      green += g;
      blue += b;
      squares += r * r + g * g + b * b;
      row[x] = (r + g + b) / 3;
      place += strideX;
    }
    if (sums) add(sums, red, green, blue, squares);
  };
}

function add(sums: ColourSums, red: number, green: number, blue: number, squares: number): void {
  sums.red += red;
  sums.green += green;
  sums.blue += blue;
  sums.squares += squares;
}
