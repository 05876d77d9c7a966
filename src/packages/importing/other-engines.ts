// What the engines other than onnxruntime make of a network, told when it is imported rather than when a server starts.
import type { SegmentSource } from '../../engines/engine.js';
import { convertSegments } from '../../engines/graph-def/convert.js';
import { PackageError } from '../../foundation/errors.js';

/** @returns a sentence if `wasm` and `tensorflow` cannot run these segments. */
export function warnOfOtherEngines(stages: readonly SegmentSource[]): string[] {
  try {
    convertSegments(stages);
    return [];
  } catch (error) {
    if (!(error instanceof PackageError)) throw error;
    return [`Only the engine onnx can run this network, not wasm or tensorflow: ${error.message}`];
  }
}
