// Whether two manifests describe the same network. The other files of their packages, such as profiles, may differ.
import { isDeepStrictEqual } from 'node:util';
import { GOLDEN_FILE, GOLDEN_IMAGES_FILE, GRAPH_FILE } from '../format/documents.js';
import { examplePaths } from '../format/expectation.js';
import type { Manifest } from '../format/manifest.js';

export function isSameNetwork(one: Manifest, other: Manifest): boolean {
  return isDeepStrictEqual(networkOf(one), networkOf(other));
}

/** The manifest without the files that belong neither to the network nor to what is said about it. */
function networkOf({ files, ...rest }: Manifest): unknown {
  const examples = examplePaths(rest).map((file) => files[file]);
  return {
    ...rest,
    ...{ graph: files[GRAPH_FILE], golden: files[GOLDEN_FILE], images: files[GOLDEN_IMAGES_FILE] },
    exampleFiles: examples,
  };
}
