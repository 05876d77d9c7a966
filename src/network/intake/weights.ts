// The weights of an export that lie in files beside it, put into the model itself.
import { externalFiles, takeInExternalData } from '../../onnx/external-data.js';
import { decodeModel, encodeModel } from '../../onnx/proto.js';

export { LARGEST_MODEL } from '../../onnx/external-data.js';

/** Names of the files that `model` keeps weights in, relative to its own folder. */
export function weightFiles(model: Uint8Array): string[] {
  return externalFiles(decodeModel(model));
}

/** @param files content, by the names that `weightFiles` gives. @throws PackageError if a tensor's bytes are not there. */
export function takeInWeights(model: Uint8Array, files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const decoded = decodeModel(model);
  takeInExternalData(decoded, files);
  return encodeModel(decoded);
}
