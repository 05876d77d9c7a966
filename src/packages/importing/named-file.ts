// In a package the network is model.onnx, and errors call it so. Of a file that the user gives, they shall tell its own name.
import { PackageError } from '../../foundation/errors.js';

/** Not of a file of weights beside it, such as model.onnx.data. */
const FILE_OF_A_PACKAGE = /\bmodel\.onnx\b(?!\.?\w)/g;

/**
 * Runs `task`. If it fails because of the network, the error names `source`.
 * @param source what the user gave: an ONNX file, or a folder, of which model.onnx is the right name
 */
export async function namingFile<Result>(source: string, task: () => Promise<Result>): Promise<Result> {
  try {
    return await task();
  } catch (error) {
    if (!(error instanceof PackageError) || !/\.onnx$/i.test(source)) throw error;
    const { isPassing } = error;
    throw new PackageError(
      error.message.replaceAll(FILE_OF_A_PACKAGE, () => source),
      { cause: error, isPassing },
    );
  }
}
