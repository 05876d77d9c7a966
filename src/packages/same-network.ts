// Whether two manifests are of the same network: what else lies in their packages, profiles above all, may differ.
import { isDeepStrictEqual } from 'node:util';
import { GOLDEN_FILE, GRAPH_FILE } from '../format/documents.js';
import type { Manifest } from '../format/manifest.js';

export function isSameNetwork(one: Manifest, other: Manifest): boolean {
  return isDeepStrictEqual(networkOf(one), networkOf(other));
}

/** Everything but the files that say nothing about the network. */
function networkOf({ files, ...rest }: Manifest): unknown {
  return { ...rest, graph: files[GRAPH_FILE], golden: files[GOLDEN_FILE] };
}
