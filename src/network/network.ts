// A network as it is served: cut into segments, with what is known of it. Workers load it; packages/package.ts makes it.
import type { SegmentSource } from '../engines/engine.js';
import type { GoldenDocument } from '../format/golden.js';
import type { Manifest } from '../format/manifest.js';

export interface Network {
  /** `name/version`. */
  readonly id: string;
  readonly manifest: Manifest;
  readonly segments: readonly SegmentSource[];
  readonly golden: GoldenDocument;
}

/** What workers need of a package. */
export function networkOf({ manifest, segments, golden }: Omit<Network, 'id'>): Network {
  return { id: `${manifest.name}/${manifest.version}`, manifest, segments, golden };
}
