// Puts the weights that an export stores in separate files into the model itself.
import { externalFiles, takeInExternalData } from '../../onnx/external-data.js';
import { decodeModel, encodeModel } from '../../onnx/proto.js';

export { LARGEST_MODEL } from '../../onnx/external-data.js';

/** Names of the files in which `model` stores weights, relative to the folder of the model. */
export function weightFiles(model: Uint8Array): string[] {
  return externalFiles(decodeModel(model));
}

/** @param files contents, by the names of `weightFiles`. @throws PackageError if the bytes of a tensor are missing */
export function takeInWeights(model: Uint8Array, files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const decoded = decodeModel(model);
  takeInExternalData(decoded, files);
  return encodeModel(decoded);
}
