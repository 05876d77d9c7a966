// Every segment that a path through a package's network could need, whatever its profiles use.
import type { SegmentSource } from '../engines/engine.js';
import { GRAPH_FILE } from '../format/documents.js';
import { extractSegment } from '../network/segments.js';
import { type ModelPackage, readNetwork } from './package.js';
import { readInside } from './package-files.js';

/** @returns the segments in groups with a common start, from the image on; only one group is in memory at a time */
export async function* everySegment({ directory, manifest }: ModelPackage): AsyncGenerator<SegmentSource[]> {
  const network = readNetwork(await readInside(directory, GRAPH_FILE), manifest);
  const count = manifest.exits.length;
  for (let from = -1; from < count - 1; from++) {
    yield Array.from({ length: count - 1 - from }, (_, index) =>
      extractSegment(network, { from, to: from + 1 + index }),
    );
  }
}
