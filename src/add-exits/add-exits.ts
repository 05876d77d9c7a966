// Adds exits to a plain network, from the file to the package: candidates, features, heads, the choice of exits, the graph,
// its import, thresholds with certificates. Nothing lies in the models folder before all of it has succeeded.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { recordScores } from '../calibration/scores/record.js';
import type { Recording } from '../calibration/scores/recording.js';
import type { Sample } from '../datasets/data-set.js';
import { decodeSample } from '../datasets/decode-sample.js';
import type { Decoder } from '../decoding/decode.js';
import type { Engine } from '../engines/engine.js';
import { DESCRIPTION_FILE, type Description } from '../format/description.js';
import { CALIBRATION_FILE, GRAPH_FILE } from '../format/documents.js';
import type { Manifest } from '../format/manifest.js';
import { CALIBRATION_FORMAT, type CalibrationDocument, FULL_PROFILE } from '../format/profiles.js';
import { invariant, messageOf, UsageError } from '../foundation/errors.js';
import { version } from '../foundation/version.js';
import { importPackage } from '../packages/import.js';
import type { Wishes } from '../packages/importing/propose.js';
import { installPackage, refuseExisting, toJson } from '../packages/install.js';
import type { ModelPackage } from '../packages/package.js';
import { describeFile, MANIFEST_FILE, readListedFiles } from '../packages/package-files.js';
import { type Certified, certifyProfiles } from './certify-profiles.js';
import { chooseExits } from './choose-exits.js';
import { type Candidate, findCandidates } from './find-candidates.js';
import { renderFigure } from './figure.js';
import type { Findings, Results } from './findings.js';
import { logitsOf, type NewExit, withExits } from './heads/exit-graph.js';
import { answersOf, type FittedHead, fitHead } from './heads/fit-heads.js';
import { type Rows, rowsBetween } from './heads/linear-products.js';
import { measureTimes } from './measure-times.js';
import { FIGURE_FILE, modelCard } from './model-card.js';
import { finalLogits, mostImages, observe } from './observe.js';
import { type PlainNetwork, readPlainNetwork } from './plain-network.js';
import { measureProfiles } from './profile-times.js';
import { splitSamples } from './split.js';

/** Images whose time is measured under each profile. */
const TIMED_IMAGES = 256;
/** Final logits may differ from the plain network's by this part of the largest: engines fuse operators otherwise. */
const SAME_LOGITS = 1e-4;
const COMPARED_IMAGES = 64;

export interface AddExitsOptions {
  /** An ONNX file, or a folder with model.onnx and description.json. */
  readonly source: string;
  readonly wishes: Wishes;
  /** The models folder. */
  readonly output: string;
  readonly force: boolean;
  readonly engine: Engine;
  readonly decoder: Decoder;
  /** No two of them, nor of `apart`, are the same image. */
  readonly samples: readonly Sample[];
  /** Images for fitting alone; otherwise a part of `samples` is. */
  readonly apart?: readonly Sample[];
  /** Identifies all images. */
  readonly dataSha256: string;
  /** Limits on the share of answers that may differ, ascending. */
  readonly epsilons: readonly number[];
  readonly delta: number;
  readonly mostExits: number;
  /** The share of the network's time that has to be saved at the largest ε. */
  readonly leastSaving: number;
  readonly seed: number;
  /** Called with what is being done, and how many images of how many it is done for. */
  readonly onProgress: (step: string, done: number, of: number) => void;
}

export type Outcome = Findings &
  (
    | { readonly kind: 'added'; readonly made: ModelPackage; readonly results: Results }
    /** No package was written. */
    | { readonly kind: 'does-not-pay'; readonly reason: string }
  );

/**
 * @throws UsageError if the images do not do, the output cannot be written to, or the package exists already
 * @throws PackageError if the network cannot be served, or has no place for an exit
 */
export async function addExits(options: AddExitsOptions): Promise<Outcome> {
  const { engine, output, force, leastSaving, epsilons } = options;
  const plain = await readPlainNetwork(engine, options.source, options.wishes);
  if (!force) await refuseExisting(output, plain.description);
  const candidates = await findCandidates(engine, plain);
  const findings = await examine(options, plain, candidates);
  const { choice } = findings;
  const saving = 1 - (choice.expected.at(-1) ?? 1);
  if (choice.chosen.length === 0 || saving < leastSaving) {
    return { ...findings, kind: 'does-not-pay', reason: tooLittle(saving, options) };
  }

  const workshop = await makeWorkshop(output);
  try {
    const staged = await importInto(workshop, findings, options);
    const recording = await recordAll(staged, findings, options);
    const certified = certifyProfiles(recording, staged.manifest, options);
    if (certified.every(({ profile }) => profile === undefined)) {
      const reason = `Nothing is certified at ε = ${epsilons.join(', ')}: already the first step away from the plain network fails.`;
      return { ...findings, kind: 'does-not-pay', reason };
    }
    const { made, results } = await finish(staged, workshop, { findings, recording, certified }, options);
    return { ...findings, kind: 'added', made, results };
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
}

/** Everything that is decided on the images for fitting. */
async function examine(
  options: AddExitsOptions,
  plain: PlainNetwork,
  candidates: readonly Candidate[],
): Promise<Findings> {
  const { engine, decoder, samples, apart, epsilons, delta, mostExits, onProgress } = options;
  const classes = plain.description.classes.length;
  const split = splitSamples(samples, apart, { ...options, most: mostImages(candidates, classes) });
  const fitting = [...split.fit, ...split.choose];
  const { features, logits } = await observe({
    ...{ engine, decoder, plain, candidates, samples: fitting },
    onProgress: counted('images through the network', fitting.length, onProgress),
  });
  const notes = [...plain.notes, ...refuseOneAnswer(logits, plain.description)];
  const [edge, end] = [split.fit.length, fitting.length];
  const heads: FittedHead[] = [];
  for (const one of features) {
    const [fit, apart] = [
      { features: rowsBetween(one, 0, edge), logits: rowsBetween(logits, 0, edge) },
      { features: rowsBetween(one, edge, end), logits: rowsBetween(logits, edge, end) },
    ];
    heads.push(await fitHead(engine, fit, apart));
    onProgress('heads fitted', heads.length, features.length);
  }
  const times = await measureTimes(engine, plain, candidates);
  const choice = chooseExits({
    candidates: heads.map((head) => head.logits),
    final: rowsBetween(logits, edge, end).values,
    ...{ classes, times, epsilons, delta, mostExits },
  });
  return { plain, candidates, heads, times, choice, split, notes };
}

/** From images done since the last call to images done. */
function counted(
  step: string,
  of: number,
  onProgress: AddExitsOptions['onProgress'],
): (images: number) => void {
  let done = 0;
  return (images) => {
    done += images;
    onProgress(step, done, of);
  };
}

/** @throws UsageError if the network answers all images alike @returns a note if it nearly does */
function refuseOneAnswer(logits: Rows, { classes }: Description): string[] {
  const counts = new Map<number, number>();
  const answers = answersOf(logits.values, classes.length);
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  const [[answer, count] = [0, 0]] = [...counts].sort(([, a], [, b]) => b - a);
  const name = classes[answer];
  if (counts.size === 1) {
    throw new UsageError(
      `The network answers "${name}" to all ${answers.length} images for fitting. ` +
        'Give images of all the classes that it will see; if these are, the preprocessing may be wrong.',
    );
  }
  const share = count / answers.length;
  if (share < 0.9) return [];
  return [
    `The network answers "${name}" to ${Math.round(100 * share)} % of the images: ` +
      'the certificates hold for traffic that is as uneven.',
  ];
}

function tooLittle(saving: number, { epsilons, leastSaving }: AddExitsOptions): string {
  const epsilon = epsilons.at(-1) ?? 0;
  return (
    `It does not pay: with at most ${100 * epsilon} % of answers changed, exits are expected to save ` +
    `${Math.max(0, 100 * saving).toFixed(1)} % of the time on this machine, less than the ${100 * leastSaving} % asked for. ` +
    'Exits pay where a network is sure of most images long before its end; this one is not, on these images.'
  );
}

async function makeWorkshop(output: string): Promise<string> {
  try {
    await mkdir(output, { recursive: true });
    return await mkdtemp(join(output, '.add-exits-'));
  } catch (error) {
    throw new UsageError(`"${output}" cannot be written to: ${messageOf(error)}.`, { cause: error });
  }
}

/** The network with its exits as a package, in a models folder of its own. */
async function importInto(
  workshop: string,
  { plain, candidates, heads, choice, split }: Findings,
  { engine, seed, dataSha256 }: AddExitsOptions,
): Promise<ModelPackage> {
  const { description } = plain;
  const exits = choice.chosen.map((index, place): NewExit => {
    const { tensor, form } = candidates[index] as Candidate;
    return { name: `exit-${place + 1}`, tensor, form, head: (heads[index] as FittedHead).head };
  });
  const described: Description = {
    ...description,
    exits: [
      ...exits.map(({ name, tensor }) => ({ name, logits: logitsOf(name), cut: tensor })),
      { name: 'final', logits: finalLogits(plain) },
    ],
    input: { ...description.input, ...(plain.input.layout && { layout: plain.input.layout }) },
    provenance: {
      ...description.provenance,
      exits: {
        by: `rdi-serve ${version} add-exits`,
        fittedTo: 'the answers of the network itself',
        images: {
          fit: split.fit.length,
          choose: split.choose.length,
          calibrate: split.calibrate.length,
          seed,
        },
        data: dataSha256,
        penalties: choice.chosen.map((index) => heads[index]?.penalty),
      },
    },
  };
  const source = join(workshop, 'source');
  await mkdir(source);
  await writeFile(join(source, GRAPH_FILE), withExits(plain.graph, description.classes.length, exits));
  await writeFile(join(source, DESCRIPTION_FILE), toJson(described));
  return importPackage({ source, output: join(workshop, 'models'), force: true, engine });
}

/** The images that calibrate go through the network that will be served, once. */
async function recordAll(
  model: ModelPackage,
  { plain, split: { calibrate } }: Findings,
  { engine, decoder, dataSha256, onProgress }: AddExitsOptions,
): Promise<Recording> {
  const recording = await recordScores({
    ...{ model, engine, decoder, samples: calibrate, dataSha256 },
    onProgress: counted('images calibrated on', calibrate.length, onProgress),
  });
  await compareWithPlain(recording, plain, calibrate, { engine, decoder });
  return recording;
}

/** @throws Error if the final exit does not give the plain network's logits */
async function compareWithPlain(
  { logits, exits, classes }: Recording,
  plain: PlainNetwork,
  samples: readonly Sample[],
  { engine, decoder }: Pick<AddExitsOptions, 'engine' | 'decoder'>,
): Promise<void> {
  const compared = samples.slice(0, COMPARED_IMAGES);
  const alone = await observe({ engine, decoder, plain, candidates: [], samples: compared, onProgress() {} });
  const { values } = alone.logits;
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const difference = values.reduce((most, value, place) => {
    const [image, one] = [Math.floor(place / classes), place % classes];
    return Math.max(most, Math.abs(value - (logits[((image + 1) * exits - 1) * classes + one] as number)));
  }, 0);
  invariant(
    difference <= SAME_LOGITS * Math.max(1, largest),
    `the final exit gives the plain network's logits; they differ by ${difference}`,
  );
}

interface Made {
  readonly findings: Findings;
  readonly recording: Recording;
  readonly certified: readonly Certified[];
}

/** Adds profiles and card, measures, and puts the package in place. */
async function finish(
  staged: ModelPackage,
  workshop: string,
  { findings, recording, certified }: Made,
  { engine, decoder, output, force }: AddExitsOptions,
): Promise<{ made: ModelPackage; results: Results }> {
  const passed = certified.flatMap(({ name, profile }) => (profile ? [[name, profile] as const] : []));
  const names = passed.map(([name]) => name);
  const calibration: CalibrationDocument = {
    formatVersion: CALIBRATION_FORMAT,
    defaultProfile: names.includes('balanced') ? 'balanced' : (names[0] ?? FULL_PROFILE),
    profiles: Object.fromEntries(passed),
  };
  const { manifest, directory } = staged;
  const kept = await readListedFiles(directory, manifest.files, Object.keys(manifest.files));
  const profiled = await installPackage({
    output: join(workshop, 'models'),
    ...packed(manifest, new Map([...kept, [CALIBRATION_FILE, toJson(calibration)]])),
    force: true,
  });
  const timed = findings.split.calibrate.slice(-TIMED_IMAGES);
  const pixels = await Promise.all(timed.map((sample) => decodeSample(decoder, sample, manifest.input)));
  const results = { certified, recording, seconds: await measureProfiles(engine, profiled, pixels) };
  const made = await installPackage({
    output,
    ...packed(
      manifest,
      new Map([
        ...kept,
        [CALIBRATION_FILE, toJson(calibration)],
        ['MODEL_CARD.md', Buffer.from(modelCard(findings, results, manifest))],
        [FIGURE_FILE, Buffer.from(renderFigure(results, manifest))],
      ]),
    ),
    force,
  });
  return { made, results };
}

function packed(manifest: Manifest, files: ReadonlyMap<string, Uint8Array>) {
  const listed = Object.fromEntries([...files].map(([file, bytes]) => [file, describeFile(bytes)]));
  const changed: Manifest = { ...manifest, files: listed };
  return { manifest: changed, files: new Map([...files, [MANIFEST_FILE, toJson(changed)]]) };
}
