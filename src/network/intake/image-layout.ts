// Whether a graph takes images with the channels first, as in PyTorch, or last, as in Keras and Flax.
import { readGraph } from '../../onnx/graph.js';

interface Image {
  readonly tensor: string;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** @returns `nhwc` if the declared input fits only this layout. @throws PackageError if `model` is not an ONNX model */
export function imageLayout(model: Uint8Array, { tensor, height, width, channels }: Image): 'nchw' | 'nhwc' {
  const declared = readGraph(model).inputs.get(tensor)?.shape?.slice(1);
  const fits = (shape: readonly number[]) =>
    declared?.length === shape.length &&
    declared.every((extent, axis) => extent === null || extent === shape[axis]);
  return !fits([channels, height, width]) && fits([height, width, channels]) ? 'nhwc' : 'nchw';
}
