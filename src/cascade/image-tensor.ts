// Turns decoded pixels into input rows for an engine: scaled, normalised and laid out. One table look-up per value.
import type { Engine } from '../engines/engine.js';
import type { ModelInput } from '../format/manifest.js';

/** Number of values of one image: height × width × channels. */
export function imageSize(input: ModelInput): number {
  return input.height * input.width * input.channels;
}

/**
 * @returns a function from uint8 [batch, height, width, channels], RGB, to float32 rows in the engine's `layout`,
 * each value (black + v / 255 × (white − black) − mean) / std of its channel, black and white being `input.range`.
 */
export function createImageTensor(
  input: ModelInput,
  layout: Engine['imageLayout'],
): (pixels: Uint8Array) => Float32Array {
  const { height, width, channels, range: [black = 0, white = 1] = [] } = input;
  const tables = Array.from({ length: channels }, (_, channel) =>
    Float32Array.from(
      { length: 256 },
      (__, value) =>
        (black + (value / 255) * (white - black) - (input.mean[channel] ?? 0)) / (input.std[channel] ?? 1),
    ),
  );
  const storedAt = (channel: number) => (input.channelOrder === 'bgr' ? channels - 1 - channel : channel);
  const strides = stridesOf(input, layout);
  const size = imageSize(input);

  return (pixels) => {
    const tensor = new Float32Array(pixels.length);
    for (let image = 0; image < pixels.length; image += size) {
      tables.forEach((table, channel) => {
        let pixel = image + storedAt(channel);
        for (let y = 0; y < height; y++) {
          let place = image + channel * strides.channel + y * strides.y;
          for (let x = 0; x < width; x++) {
            tensor[place] = table[pixels[pixel] as number] as number;
            pixel += channels;
            place += strides.x;
          }
        }
      });
    }
    return tensor;
  };
}

/** How far apart neighbours along each axis of an image are in a row. */
function stridesOf(
  { height, width, channels, layout: graph = 'nchw' }: ModelInput,
  layout: Engine['imageLayout'],
): { y: number; x: number; channel: number } {
  const channelsFirst = { channel: height * width, y: width, x: 1 };
  const channelsLast = { y: width * channels, x: channels, channel: 1 };
  if (layout === 'nchw') return graph === 'nchw' ? channelsFirst : channelsLast;
  return graph === 'nchw' ? channelsLast : { x: channels * height, channel: height, y: 1 };
}
