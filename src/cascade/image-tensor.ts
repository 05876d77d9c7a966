// Turns images into input rows for an engine: pixels are scaled, normalised and laid out, by one table look-up per
// value; tensors that a client has prepared itself are only laid out.
import type { Engine } from '../engines/engine.js';
import type { ModelInput } from '../format/manifest.js';

/**
 * Images for a network: as uint8 pixels [height, width, channels], RGB, or as the float32 values of the graph's own
 * input, in its layout, channel order and scale.
 */
export type ImageValues = Uint8Array | Float32Array;

/** Number of values of one image: height × width × channels. */
export function imageSize(input: ModelInput): number {
  return input.height * input.width * input.channels;
}

/**
 * @returns a function from images to float32 rows in the engine's `layout`. Of pixels, [batch, height, width, channels],
 * each value is (black + v / 255 × (white − black) − mean) / std of its channel, black and white being `input.range`;
 * the graph's own values stay as they are.
 */
export function createImageTensor(
  input: ModelInput,
  layout: Engine['imageLayout'],
): (images: ImageValues) => Float32Array {
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
  const graphStrides = stridesOf(input, 'nchw');

  return (pixels) => {
    if (pixels instanceof Float32Array)
      return layout === 'nchw' ? pixels : relaid(pixels, input, graphStrides, strides);
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

/** Copies images from one layout to another. */
function relaid(
  images: Float32Array,
  input: ModelInput,
  from: ReturnType<typeof stridesOf>,
  to: ReturnType<typeof stridesOf>,
): Float32Array {
  const { height, width, channels } = input;
  const tensor = new Float32Array(images.length);
  for (let image = 0; image < images.length; image += imageSize(input)) {
    for (let channel = 0; channel < channels; channel++) {
      for (let y = 0; y < height; y++) {
        let source = image + channel * from.channel + y * from.y;
        let place = image + channel * to.channel + y * to.y;
        for (let x = 0; x < width; x++) {
          tensor[place] = images[source] as number;
          source += from.x;
          place += to.x;
        }
      }
    }
  }
  return tensor;
}

/** How far apart neighbours along each axis of an image are in a row; `layout` 'nchw' means the graph's own. */
function stridesOf(
  { height, width, channels, layout: graph = 'nchw' }: ModelInput,
  layout: Engine['imageLayout'],
): { y: number; x: number; channel: number } {
  const channelsFirst = { channel: height * width, y: width, x: 1 };
  const channelsLast = { y: width * channels, x: channels, channel: 1 };
  if (layout === 'nchw') return graph === 'nchw' ? channelsFirst : channelsLast;
  return graph === 'nchw' ? channelsLast : { x: channels * height, channel: height, y: 1 };
}
