// Turns decoded pixels into input rows for an engine: scaled, normalised and laid out. One table look-up per value.
import type { Engine } from '../engines/engine.js';
import type { ModelInput } from '../format/manifest.js';

/** Number of values of one image: height × width × channels. */
export function imageSize(input: ModelInput): number {
  return input.height * input.width * input.channels;
}

/**
 * @returns a function from uint8 [batch, height, width, channels] to float32 rows in `layout`,
 * each value (v / 255 − mean) / std of its channel.
 */
export function createImageTensor(
  input: ModelInput,
  layout: Engine['imageLayout'],
): (pixels: Uint8Array) => Float32Array {
  const { channels } = input;
  const area = input.height * input.width;
  const tables = Array.from({ length: channels }, (_, channel) =>
    Float32Array.from(
      { length: 256 },
      (__, value) => (value / 255 - (input.mean[channel] ?? 0)) / (input.std[channel] ?? 1),
    ),
  );
  const pixelStride = layout === 'nchw' ? 1 : channels;
  const channelStride = layout === 'nchw' ? area : 1;

  return (pixels) => {
    const tensor = new Float32Array(pixels.length);
    for (let image = 0; image < pixels.length; image += area * channels) {
      tables.forEach((table, channel) => {
        for (let pixel = 0; pixel < area; pixel++) {
          tensor[image + channel * channelStride + pixel * pixelStride] = table[
            pixels[image + pixel * channels + channel] as number
          ] as number;
        }
      });
    }
    return tensor;
  };
}
