// Reads the JSON documents of a package. Beyond their schemas, checks values and consistency between documents.

import { PackageError } from '../foundation/errors.js';
import { policies } from '../policies/policies.js';
import { checkCertificate, subjectOf } from './certificate.js';
import { checkExamples, examplePaths } from './expectation.js';
import { GoldenDocument, GoldenImages } from './golden.js';
import { MANIFEST_FORMAT, Manifest, type ModelInput } from './manifest.js';
import { interpolations, nameResize } from './preprocessing.js';
import {
  CALIBRATION_FORMAT,
  CalibrationDocument,
  FULL_PROFILE,
  fullProfile,
  type Profile,
} from './profiles.js';
import { readDocument } from './read-document.js';
import { checkTypicality, type TypicalityDocument } from './typicality.js';

export const CALIBRATION_FILE = 'calibration.json';
export const GOLDEN_FILE = 'golden.json';
export const GOLDEN_IMAGES_FILE = 'golden-images.json';
export const GRAPH_FILE = 'model.onnx';

export interface Profiles {
  /** The calibrated profiles in the order of calibration.json, then `full`. */
  readonly profiles: ReadonlyMap<string, Profile>;
  readonly defaultProfile: string;
  /** What images look like that the package was calibrated on; absent: nothing is known of it. */
  readonly typicality?: TypicalityDocument | undefined;
}

export function readManifest(bytes: Uint8Array): Manifest {
  const manifest = readDocument('manifest.json', bytes, Manifest, MANIFEST_FORMAT);
  checkInput('manifest.json', manifest.input);
  checkExitNames('manifest.json', manifest.exits);
  checkExamples('manifest.json', manifest);
  for (const file of [GRAPH_FILE, GOLDEN_FILE, ...examplePaths(manifest)]) {
    if (!Object.hasOwn(manifest.files, file)) throw new PackageError(`manifest.json does not list ${file}.`);
  }
  return manifest;
}

/** Checks what the schema cannot express: one mean and one standard deviation per channel, and settings that go together. */
export function checkInput(file: string, input: Omit<ModelInput, 'tensor' | 'background'>): void {
  for (const key of ['mean', 'std'] as const) {
    if (input[key].length !== input.channels) {
      throw new PackageError(
        `${file}: /input/${key} has ${input[key].length} values for ${input.channels} channels.`,
      );
    }
  }
  const [black = 0, white = 1] = input.range ?? [];
  if (black >= white) {
    throw new PackageError(`${file}: /input/range is from ${black} to ${white}; the first must be less.`);
  }
  if (input.channelOrder === 'bgr' && input.channels !== 3) {
    throw new PackageError(`${file}: /input/channelOrder is bgr, but /input/channels is ${input.channels}.`);
  }
  if (input.polarity !== undefined && input.channels !== 1) {
    throw new PackageError(
      `${file}: /input/polarity is for grey images, but /input/channels is ${input.channels}.`,
    );
  }
  checkResize(file, input);
}

function checkResize(
  file: string,
  input: Pick<ModelInput, 'resize' | 'interpolation' | 'antialias' | 'crop'>,
): void {
  if (input.interpolation !== undefined) return;
  const needs = [
    ...(typeof input.resize === 'string' ? [] : [`resize ${nameResize(input.resize)}`]),
    ...(['antialias', 'crop'] as const).filter((key) => input[key] !== undefined),
  ];
  if (needs.length === 0) return;
  throw new PackageError(
    `${file}: /input has ${needs.join(', ')}, but no interpolation; give one of ${interpolations.join(', ')}.`,
  );
}

export function checkExitNames(file: string, exits: readonly { readonly name: string }[]): void {
  const names = exits.map((exit) => exit.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new PackageError(`${file} names two exits "${twice}".`);
}

type Network = Pick<Manifest, 'input' | 'classes'> & { readonly exits: readonly unknown[] };

export function readGolden(bytes: Uint8Array, { input, classes, exits }: Network): GoldenDocument {
  const golden = readDocument(GOLDEN_FILE, bytes, GoldenDocument);
  const size = input.height * input.width * input.channels;
  golden.cases.forEach(({ pixels, logits }, index) => {
    const decoded = Buffer.from(pixels, 'base64');
    if (decoded.toString('base64') !== pixels || decoded.length !== size) {
      throw new PackageError(`${GOLDEN_FILE}: /cases/${index}/pixels is not the base64 of ${size} bytes.`);
    }
    checkLogits(GOLDEN_FILE, index, logits, exits, classes);
  });
  return golden;
}

export function readGoldenImages(bytes: Uint8Array, { classes, exits }: Network): GoldenImages {
  const golden = readDocument(GOLDEN_IMAGES_FILE, bytes, GoldenImages);
  golden.cases.forEach(({ image, logits }, index) => {
    if (image === '' || Buffer.from(image, 'base64').toString('base64') !== image) {
      throw new PackageError(`${GOLDEN_IMAGES_FILE}: /cases/${index}/image is not the base64 of a file.`);
    }
    checkLogits(GOLDEN_IMAGES_FILE, index, logits, exits, classes);
  });
  return golden;
}

function checkLogits(
  file: string,
  index: number,
  logits: readonly (readonly number[])[],
  exits: Network['exits'],
  classes: Network['classes'],
): void {
  if (logits.length !== exits.length || logits.some((row) => row.length !== classes.length)) {
    throw new PackageError(
      `${file}: /cases/${index}/logits is not ${exits.length} exits × ${classes.length} classes.`,
    );
  }
}

/**
 * Certificates are checked against the files that `manifest` lists. A certificate that does not match is kept and
 * marked as not valid.
 * @param bytes content of calibration.json; undefined: there is only the profile `full`
 */
export function readProfiles(bytes: Uint8Array | undefined, manifest: Manifest): Profiles {
  const exitCount = manifest.exits.length;
  const full = [FULL_PROFILE, fullProfile(exitCount)] as const;
  if (!bytes) return { profiles: new Map([full]), defaultProfile: FULL_PROFILE, typicality: undefined };

  const document = readDocument(CALIBRATION_FILE, bytes, CalibrationDocument, CALIBRATION_FORMAT);
  const calibrated = Object.entries(document.profiles).map(([name, profile]): [string, Profile] => {
    if (name === FULL_PROFILE) {
      throw new PackageError(
        `${CALIBRATION_FILE} defines the profile "${FULL_PROFILE}", which always exists.`,
      );
    }
    checkThresholds(name, profile, exitCount - 1);
    const { description = '', policy, thresholds, certificate } = profile;
    const checked = certificate && checkCertificate(certificate, subjectOf(manifest, profile));
    return [name, { name, description, policy, thresholds, ...(checked && { certificate: checked }) }];
  });
  const profiles = new Map([...calibrated, full]);
  if (!profiles.has(document.defaultProfile)) {
    throw new PackageError(
      `${CALIBRATION_FILE} has no profile "${document.defaultProfile}" to take by default.`,
    );
  }
  const { defaultProfile, typicality } = document;
  if (typicality) checkTypicality(CALIBRATION_FILE, typicality, manifest.input);
  return { profiles, defaultProfile, typicality };
}

function checkThresholds(
  name: string,
  { policy, thresholds }: Pick<Profile, 'policy' | 'thresholds'>,
  sideExits: number,
): void {
  if (thresholds.length !== sideExits) {
    throw new PackageError(
      `${CALIBRATION_FILE}: profile "${name}" has ${thresholds.length} thresholds for ${sideExits} side exits.`,
    );
  }
  const { countsAgreement, range } = policies[policy];
  const [lowest, highest] = range(sideExits + 1);
  thresholds.forEach((threshold, index) => {
    if (threshold === null) return;
    const whole = !countsAgreement || Number.isInteger(threshold);
    if (threshold < lowest || threshold > highest || !whole) {
      throw new PackageError(
        `${CALIBRATION_FILE}: threshold ${threshold} of profile "${name}" at exit ${index} is not ` +
          `${countsAgreement ? 'a whole number ' : ''}from ${lowest} to ${highest}, as ${policy} takes it.`,
      );
    }
  });
}
