// A network as it is served: segments, manifest and golden outputs. packages/package.ts reads it, and workers load it.
import type { SegmentSource } from '../engines/engine.js';
import type { GoldenDocument } from '../format/golden.js';
import type { Manifest } from '../format/manifest.js';

export interface Network {
  /**
   * Names the network in the workers: `name/version`. A package that comes later under a name that is known already gets
   * another id, so that both can be loaded at once.
   */
  readonly id: string;
  readonly manifest: Manifest;
  readonly segments: readonly SegmentSource[];
  readonly golden: GoldenDocument;
  /** The golden images of a package that has some, decoded. */
  readonly goldenImages?: GoldenDocument | undefined;
}

/** `name/version`, for people. */
export function labelOf({ name, version }: Pick<Manifest, 'name' | 'version'>): string {
  return `${name}/${version}`;
}

/** The parts of a package that workers need. */
export function networkOf(
  { manifest, segments, golden, goldenImages }: Omit<Network, 'id'>,
  id = labelOf(manifest),
): Network {
  return { id, manifest, segments, golden, goldenImages };
}
