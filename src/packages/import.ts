// Makes a model package from an exported network and its description: counts the costs, makes or checks the golden
// outputs, and installs the package only if all checks pass.
import { basename } from 'node:path';
import type { Engine } from '../engines/engine.js';
import type { Description } from '../format/description.js';
import { GOLDEN_FILE, GOLDEN_IMAGES_FILE, GRAPH_FILE } from '../format/documents.js';
import { MANIFEST_FORMAT, type Manifest, type ModelInput } from '../format/manifest.js';
import { invariant } from '../foundation/errors.js';
import { countFlops } from '../network/flops.js';
import type { MultiExitGraph } from '../network/multi-exit-graph.js';
import { everyStage, makeGolden, verifyGolden } from './golden-outputs.js';
import { namingFile } from './importing/named-file.js';
import { warnOfOtherEngines } from './importing/other-engines.js';
import type { Wishes } from './importing/propose.js';
import { readSource } from './importing/read-source.js';
import { recordGoldenImages } from './importing/record-golden-images.js';
import { takeIn } from './importing/take-in.js';
import { installPackage, refuseExisting, toJson } from './install.js';
import type { ModelPackage } from './package.js';
import { describeFile, MANIFEST_FILE } from './package-files.js';

const GOLDEN_CASES = 8;
const GOLDEN_SEED = 1;

export interface ImportOptions {
  /**
   * Folder with model.onnx, description.json and, optionally, other files of a package; or a single ONNX file, for
   * which a description is proposed.
   */
  readonly source: string;
  /** For a single ONNX file: what its graph does not state. */
  readonly wishes?: Wishes;
  /** The models folder. */
  readonly output: string;
  /** Whether to replace a package of the same name and version. */
  readonly force: boolean;
  readonly engine: Engine;
}

export interface ImportedPackage extends ModelPackage {
  /** Whether the golden outputs were made here, because the source has none. */
  readonly goldenMade: boolean;
  /** Whether the logits of the golden images were recorded here. */
  readonly imagesRecorded: boolean;
  /** Changes to the network, and remarks about it, one sentence each. */
  readonly notes: readonly string[];
  /** The description that was proposed for a single ONNX file. */
  readonly proposed?: Description;
}

/**
 * @throws UsageError if the source is neither a folder nor an ONNX file, the output cannot be written to, or the
 *   package exists and `force` is false
 * @throws PackageError if the network or a document is refused. Then nothing is installed.
 */
export function importPackage(options: ImportOptions): Promise<ImportedPackage> {
  return namingFile(options.source, () => importSource(options));
}

async function importSource(options: ImportOptions): Promise<ImportedPackage> {
  const { source, output, engine } = options;
  const { description, model: exported, optional, proposed } = await readSource(source, options.wishes);
  if (!options.force) await refuseExisting(output, description);
  const { tensor: _tensor, input: _input, exits: _exits, ...rest } = description;
  const {
    graph,
    input: modelInput,
    exits,
    network,
    notes: changes,
  } = await takeIn(engine, exported, description);
  const files = new Map([[GRAPH_FILE, graph], ...optional]);
  const flops = countFlops(network);

  const goldenMade = !files.has(GOLDEN_FILE);
  if (goldenMade) {
    files.set(GOLDEN_FILE, toJson(await makeGolden(engine, network, modelInput, GOLDEN_CASES, GOLDEN_SEED)));
  }
  const recorded = await recordedImages(options, description, exported, network, modelInput);
  if (recorded) files.set(GOLDEN_IMAGES_FILE, toJson(recorded.golden));
  const manifest: Manifest = {
    formatVersion: MANIFEST_FORMAT,
    ...rest,
    input: modelInput,
    exits: exits.map((exit, index) => {
      const counted = flops[index];
      invariant(counted, 'every exit has its costs');
      return { ...exit, flops: counted };
    }),
    provenance: {
      ...provenanceOf(description, goldenMade, engine),
      ...(recorded && { goldenImages: recorded.provenance }),
    },
    files: Object.fromEntries([...files].map(([file, bytes]) => [file, describeFile(bytes)])),
  };
  files.set(MANIFEST_FILE, toJson(manifest));

  const installed = await installPackage({
    output,
    manifest,
    files,
    force: options.force,
    check: (made) => verifyGolden(engine, network, made),
  });
  const notes = [
    ...layoutNotes(modelInput),
    ...changes,
    ...(recorded?.notes ?? []),
    ...warnOfOtherEngines(everyStage(network)),
  ];
  return {
    ...installed,
    goldenMade,
    imagesRecorded: recorded !== undefined,
    notes,
    ...(proposed && { proposed: description }),
  };
}

function layoutNotes({ tensor, layout }: ModelInput): string[] {
  if (layout !== 'nhwc') return [];
  return [`The input "${tensor}" has the channels last: [batch, height, width, channels].`];
}

/** Golden images that are recorded here, because images were given without logits. */
async function recordedImages(
  { engine, wishes, source }: ImportOptions,
  { exits }: Description,
  exported: Uint8Array,
  network: MultiExitGraph,
  input: ModelInput,
) {
  const given = wishes?.goldenImages;
  if (!given || !('images' in given)) return undefined;
  const { images, found } = given;
  const outputs = exits.map(({ logits }) => logits);
  const { golden, notCompared } = await recordGoldenImages(engine, network, input, images, exported, outputs);
  const file = basename(source);
  const compared =
    notCompared === undefined ? `${file} gives the same` : `${file} was not compared: ${notCompared}`;
  const notes =
    found === images.length ? [] : [`Of ${found} images, the first ${images.length} by name were taken.`];
  if (notCompared !== undefined)
    notes.push(`The golden images were recorded from the package alone; ${compared}.`);
  const provenance = `Logits recorded at import by the engine "${engine.name}"; ${compared}. They do not prove preprocessing.`;
  return { golden, notes, provenance };
}

function provenanceOf(description: Description, goldenMade: boolean, engine: Engine): Manifest['provenance'] {
  if (!goldenMade) return description.provenance;
  return {
    ...description.provenance,
    golden:
      `Made at import by the engine "${engine.name}" from ${GOLDEN_CASES} synthetic images (seed ${GOLDEN_SEED}); ` +
      'the exporter gave none.',
  };
}
