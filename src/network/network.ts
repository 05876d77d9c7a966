// A network as it is served: segments, manifest and golden outputs. packages/package.ts reads it, and workers load it.
import type { SegmentSource } from '../engines/engine.js';
import type { GoldenDocument } from '../format/golden.js';
import type { Manifest } from '../format/manifest.js';

export interface Network {
  /** `name/version`. */
  readonly id: string;
  readonly manifest: Manifest;
  readonly segments: readonly SegmentSource[];
  readonly golden: GoldenDocument;
  /** The golden images of a package that has some, decoded. */
  readonly goldenImages?: GoldenDocument | undefined;
}

/** The parts of a package that workers need. */
export function networkOf({ manifest, segments, golden, goldenImages }: Omit<Network, 'id'>): Network {
  return { id: `${manifest.name}/${manifest.version}`, manifest, segments, golden, goldenImages };
}
