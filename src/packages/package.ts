// Loads a model package and checks its files, documents, graph, cuts and costs.
// cascade/self-check.ts checks that the engine reproduces the golden outputs.
import { basename, dirname, resolve } from 'node:path';
import type { SegmentSource } from '../engines/engine.js';
import {
  CALIBRATION_FILE,
  GOLDEN_FILE,
  GOLDEN_IMAGES_FILE,
  GRAPH_FILE,
  type Profiles,
  readGolden,
  readGoldenImages,
  readManifest,
  readProfiles,
} from '../format/documents.js';
import { examplePaths } from '../format/expectation.js';
import type { GoldenDocument } from '../format/golden.js';
import type { Manifest } from '../format/manifest.js';
import { invariant, PackageError } from '../foundation/errors.js';
import { segmentsOf } from '../network/execution-path.js';
import { countFlops } from '../network/flops.js';
import { type MultiExitGraph, readMultiExitGraph } from '../network/multi-exit-graph.js';
import { extractSegment, type SegmentRange } from '../network/segments.js';
import { type ExampleImage, readExamples } from './example-images.js';
import { decodeGoldenImages } from './golden-images.js';
import { MANIFEST_FILE, readInside, readListedFiles } from './package-files.js';

export interface ModelPackage extends Profiles {
  /** Absolute path. */
  readonly directory: string;
  readonly manifest: Manifest;
  readonly golden: GoldenDocument;
  /** The golden images, decoded like those of requests. */
  readonly goldenImages?: GoldenDocument;
  readonly examples: readonly ExampleImage[];
  /** Every segment that a profile may need, without duplicates. */
  readonly segments: readonly SegmentSource[];
}

/**
 * @param directory `…/<name>/<version>`.
 * @throws PackageError with one sentence that names the file and the fault
 */
export async function loadPackage(directory: string): Promise<ModelPackage> {
  const path = resolve(directory);
  const manifest = readManifest(await readInside(path, MANIFEST_FILE));
  checkLocation(path, manifest);
  const files = await readListedFiles(path, manifest.files, [
    ...[GRAPH_FILE, GOLDEN_FILE, GOLDEN_IMAGES_FILE, CALIBRATION_FILE, ...examplePaths(manifest)],
  ]);
  const [graph, golden, images] = [GRAPH_FILE, GOLDEN_FILE, GOLDEN_IMAGES_FILE].map((file) =>
    files.get(file),
  );
  invariant(graph && golden, 'a manifest that was read lists the graph and the golden outputs');

  const profiles = readProfiles(files.get(CALIBRATION_FILE), manifest);
  const network = readNetwork(graph, manifest);
  checkFlops(network, manifest);
  return {
    directory: path,
    manifest,
    ...profiles,
    golden: readGolden(golden, manifest),
    ...(images && {
      goldenImages: await decodeGoldenImages(readGoldenImages(images, manifest), manifest.input),
    }),
    examples: await readExamples(manifest, files),
    segments: neededRanges(manifest, profiles).map((range) => extractSegment(network, range)),
  };
}

/** Reads the graph of a package, or of one to be made, with the input and the exits that its documents describe. */
export function readNetwork(
  graph: Uint8Array,
  { input, classes, exits }: Pick<Manifest, 'input' | 'classes'> & Pick<MultiExitGraph, 'exits'>,
): MultiExitGraph {
  return readMultiExitGraph(graph, graphImage(input), classes, exits);
}

/** The image input of the graph. */
export function graphImage(input: Manifest['input']): MultiExitGraph['image'] {
  const { tensor, layout, channels, height, width } = input;
  return { tensor, shape: layout === 'nhwc' ? [height, width, channels] : [channels, height, width] };
}

function checkLocation(path: string, { name, version }: Manifest): void {
  const [parent, folder] = [basename(dirname(path)), basename(path)];
  if (name !== parent || version !== folder) {
    throw new PackageError(
      `${MANIFEST_FILE} describes ${name}/${version}, but the package is in the folder ${parent}/${folder}.`,
    );
  }
}

function checkFlops(network: MultiExitGraph, { exits }: Manifest): void {
  countFlops(network).forEach((counted, index) => {
    const exit = exits[index];
    for (const part of ['stage', 'head', 'cumulative'] as const) {
      if (exit?.flops[part] !== counted[part]) {
        throw new PackageError(
          `${MANIFEST_FILE} states ${exit?.flops[part]} ${part} FLOPs for exit "${exit?.name}"; ` +
            `${GRAPH_FILE} has ${counted[part]}.`,
        );
      }
    }
  });
}

function neededRanges({ exits }: Manifest, { profiles }: Profiles): SegmentRange[] {
  const ranges = [...profiles.values()].flatMap((profile) => segmentsOf(exits, profile));
  return [...new Map(ranges.map((range) => [`${range.from} ${range.to}`, range])).values()];
}
