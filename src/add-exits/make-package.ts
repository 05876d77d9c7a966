// Makes the package: the network with its exits imported into a folder aside, recorded there, given its profiles and its
// card, and put into the models folder at the end.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { measureTypicality } from '../calibration/measure-typicality.js';
import { recordScores } from '../calibration/scores/record.js';
import type { Recording } from '../calibration/scores/recording.js';
import { decodeSample } from '../datasets/decode-sample.js';
import { DESCRIPTION_FILE, type Description } from '../format/description.js';
import { CALIBRATION_FILE, GRAPH_FILE } from '../format/documents.js';
import type { Manifest } from '../format/manifest.js';
import { CALIBRATION_FORMAT, type CalibrationDocument, FULL_PROFILE } from '../format/profiles.js';
import type { TypicalityDocument } from '../format/typicality.js';
import { invariant } from '../foundation/errors.js';
import { version } from '../foundation/version.js';
import { importPackage } from '../packages/import.js';
import { installPackage, toJson } from '../packages/install.js';
import type { ModelPackage } from '../packages/package.js';
import { describeFile, MANIFEST_FILE, readListedFiles } from '../packages/package-files.js';
import { accuracyOf, trueClasses } from './accuracy.js';
import { applyHeads } from './apply-heads.js';
import type { FeatureStore } from './cache/feature-store.js';
import type { Certified } from './certify-profiles.js';
import { compareProfiles } from './compare.js';
import type { Candidate } from './find-candidates.js';
import type { Findings, Results } from './findings.js';
import { type LinearHead, logitsOf, type NewExit, withExits } from './heads/exit-graph.js';
import { finalLogits } from './observe.js';
import { type AddExitsOptions, counted } from './options.js';
import { renderFigure } from './report/figure.js';
import { CARD_FILE, FIGURE_FILE, modelCard } from './report/model-card.js';
import { measureProfiles } from './times/profile-times.js';

/** Images whose time is measured under each profile. */
const TIMED_IMAGES = 128;
/** Logits may differ by this part of the largest: engines fuse operators otherwise. */
const SAME_LOGITS = 1e-4;
const COMPARED_IMAGES = 64;

/** The network with its exits as a package, in a models folder of its own. */
export async function importInto(
  workshop: string,
  { plain, candidates, heads, final, choice, split }: Findings,
  { engine, before, seed, dataSha256 }: AddExitsOptions,
): Promise<ModelPackage> {
  const { description } = plain;
  const exits = choice.chosen.map((index, place): NewExit => {
    const { tensor, form } = candidates[index] as Candidate;
    return { name: `exit-${place + 1}`, tensor, form, head: final[place] as LinearHead };
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
        ...(before && { before: `${before.manifest.name}/${before.manifest.version}` }),
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
  for (const [path, bytes] of plain.examples) {
    await mkdir(dirname(join(source, path)), { recursive: true });
    await writeFile(join(source, path), bytes);
  }
  return importPackage({ source, output: join(workshop, 'models'), force: true, engine });
}

/**
 * What every exit says to the images that calibrate. They went through the plain network, and the heads are applied to
 * their features; some of them go through the package too, stage by stage, and have to get the same.
 */
export async function recordAll(
  model: ModelPackage,
  { plain, candidates, choice, final, split: { calibrate } }: Findings,
  { engine, decoder, dataSha256 }: AddExitsOptions,
  features: FeatureStore,
): Promise<Recording> {
  const classes = plain.description.classes.length;
  const logits = await applyHeads(engine, features, calibrate, { candidates, choice, final, classes });
  const compared = await recordScores({
    ...{ model, engine, decoder, samples: calibrate.slice(0, COMPARED_IMAGES), dataSha256 },
    onProgress() {},
  });
  refuseOtherLogits(compared.logits, logits);
  const truth = trueClasses(calibrate, plain.description.classes);
  return { ...compared, images: calibrate.length, logits, ...(truth && { truth }) };
}

/** @throws Error if the package does not say what the plain network and the heads do */
function refuseOtherLogits(served: Float32Array, expected: Float32Array): void {
  const largest = served.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const difference = served.reduce(
    (most, value, place) => Math.max(most, Math.abs(value - (expected[place] as number))),
    0,
  );
  invariant(
    difference <= SAME_LOGITS * Math.max(1, largest),
    `the package gives the logits of the plain network and of the heads; they differ by ${difference}`,
  );
}

interface Made {
  readonly findings: Findings;
  readonly recording: Recording;
  readonly certified: readonly Certified[];
}

/** Adds profiles and card, measures, and puts the package in place. */
export async function finish(
  staged: ModelPackage,
  workshop: string,
  { findings, recording, certified }: Made,
  { engine, decoder, dataSha256, seed, output, force, before, onProgress }: AddExitsOptions,
): Promise<{ made: ModelPackage; results: Results }> {
  const { manifest, directory } = staged;
  const typicality = await measureTypicality({
    ...{ input: manifest.input, decoder, samples: findings.split.calibrate, dataSha256, seed },
    onProgress: (done, of) => onProgress('images measured', done, of),
  });
  const calibration = calibrationOf(certified, before?.defaultProfile ?? 'balanced', typicality);
  const kept = await readListedFiles(directory, manifest.files, Object.keys(manifest.files));
  const profiled = await installPackage({
    output: join(workshop, 'models'),
    ...packed(manifest, new Map([...kept, [CALIBRATION_FILE, toJson(calibration)]])),
    force: true,
  });
  const { calibrate } = findings.split;
  const timed = calibrate.slice(-TIMED_IMAGES);
  const pixels = await Promise.all(timed.map((sample) => decodeSample(decoder, sample, manifest.input)));
  const results: Results = {
    ...{ certified, recording },
    accuracy: accuracyOf(recording, certified, seed),
    seconds: await measureProfiles(engine, profiled, pixels),
    compared: before
      ? compareProfiles(
          before,
          await recordScores({
            ...{ model: before, engine, decoder, samples: calibrate, dataSha256 },
            onProgress: counted(
              `images through version ${before.manifest.version}`,
              calibrate.length,
              onProgress,
            ),
          }),
          certified,
          seed,
        )
      : [],
  };
  const made = await installPackage({
    output,
    ...packed(
      manifest,
      new Map([
        ...kept,
        [CALIBRATION_FILE, toJson(calibration)],
        [CARD_FILE, Buffer.from(modelCard(findings, results, manifest, before?.manifest.version))],
        [FIGURE_FILE, Buffer.from(renderFigure(results, manifest))],
      ]),
    ),
    force,
  });
  return { made, results };
}

/** @param wanted the default profile, if it is among them; otherwise the most careful one is */
export function calibrationOf(
  certified: readonly Certified[],
  wanted: string,
  typicality: TypicalityDocument | undefined,
): CalibrationDocument {
  const passed = certified.flatMap(({ name, profile }) => (profile ? [[name, profile] as const] : []));
  const names = passed.map(([name]) => name);
  return {
    formatVersion: CALIBRATION_FORMAT,
    defaultProfile: names.includes(wanted) ? wanted : (names[0] ?? FULL_PROFILE),
    profiles: Object.fromEntries(passed),
    ...(typicality && { typicality }),
  };
}

/** A manifest that lists `files`, and these with it. */
export function packed(manifest: Manifest, files: ReadonlyMap<string, Uint8Array>) {
  const listed = Object.fromEntries([...files].map(([file, bytes]) => [file, describeFile(bytes)]));
  const changed: Manifest = { ...manifest, files: listed };
  return { manifest: changed, files: new Map([...files, [MANIFEST_FILE, toJson(changed)]]) };
}
