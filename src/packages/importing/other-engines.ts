// Checks at import whether the engines other than onnx can run a network, so that users know before a server starts.
import type { SegmentSource } from '../../engines/engine.js';
import { convertSegments } from '../../engines/graph-def/convert.js';
import { PackageError } from '../../foundation/errors.js';

/** @returns one sentence if `wasm` and `tensorflow` cannot run these segments, otherwise none */
export function warnOfOtherEngines(stages: readonly SegmentSource[]): string[] {
  try {
    convertSegments(stages);
    return [];
  } catch (error) {
    if (!(error instanceof PackageError)) throw error;
    return [`Only the engine onnx can run this network, not wasm or tensorflow: ${error.message}`];
  }
}
