// Writes a profile, or what typical images look like, into a package's calibration.json, and the file's new size and hash
// into the manifest.
import { dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { CALIBRATION_FILE, readManifest } from '../format/documents.js';
import type { Manifest } from '../format/manifest.js';
import {
  CALIBRATION_FORMAT,
  CalibrationDocument,
  FULL_PROFILE,
  type ProfileDocument,
} from '../format/profiles.js';
import { readDocument } from '../format/read-document.js';
import type { TypicalityDocument } from '../format/typicality.js';
import { invariant, PackageError, UsageError } from '../foundation/errors.js';
import { installPackage, toJson } from './install.js';
import type { ModelPackage } from './package.js';
import { describeFile, MANIFEST_FILE, readInside, readListedFiles } from './package-files.js';
import { isSameNetwork } from './same-network.js';

/** Maximum number of attempts: another process may save a profile at the same time. */
const TRIES = 10;
/** Pause between two attempts. */
const PAUSE_MILLISECONDS = 100;

export interface SaveOptions {
  readonly name: string;
  readonly profile: ProfileDocument;
  /** Whether requests that name no profile get this one. */
  readonly makeDefault: boolean;
  /** What the calibration images look like; undefined: the package keeps what it says of that. */
  readonly typicality?: TypicalityDocument | undefined;
}

/** A change of calibration.json. */
interface Change {
  /** For messages. */
  readonly what: string;
  apply(before: CalibrationDocument): CalibrationDocument;
  /** Checks the package that is to be installed. */
  check(made: ModelPackage): void;
}

type Target = Pick<ModelPackage, 'directory' | 'manifest'>;

/**
 * Writes the whole package anew and replaces it at once, so that manifest and calibration file always match.
 * @param model as it was loaded; profiles that were saved after that are kept
 * @throws PackageError if the package cannot be loaded any more, or has another network now; UsageError if it cannot be
 *   written. In both cases, nothing has changed.
 */
export function saveProfile(
  model: Target,
  { name, profile, makeDefault, typicality }: SaveOptions,
): Promise<ModelPackage> {
  return save(model, {
    what: `the profile "${name}"`,
    apply: (before) => ({
      ...before,
      defaultProfile: makeDefault ? name : before.defaultProfile,
      profiles: { ...before.profiles, [name]: profile },
      ...(typicality && { typicality }),
    }),
    check({ profiles }) {
      const saved = profiles.get(name);
      invariant(
        saved && (saved.certificate?.valid ?? profile.certificate === undefined),
        `the profile "${name}" is as it was certified`,
      );
    },
  });
}

/** Like `saveProfile`; the profiles stay as they are. */
export function saveTypicality(model: Target, typicality: TypicalityDocument): Promise<ModelPackage> {
  return save(model, {
    what: 'what was measured',
    apply: (before) => ({ ...before, typicality }),
    check: (made) => invariant(made.typicality, 'the package says what typical images look like'),
  });
}

async function save(model: Target, change: Change): Promise<ModelPackage> {
  for (let tried = 1; ; tried++) {
    try {
      return await saveInto(model, change);
    } catch (error) {
      // A read during a replacement can find files missing, or files of both packages.
      if (tried === TRIES || error instanceof UsageError) throw error;
    }
    await setTimeout(PAUSE_MILLISECONDS);
  }
}

async function saveInto(
  { directory, manifest: known }: Target,
  { what, apply, check }: Change,
): Promise<ModelPackage> {
  const madeOf = await readInside(directory, MANIFEST_FILE);
  const manifest = readManifest(madeOf);
  if (!isSameNetwork(manifest, known)) {
    throw new PackageError(
      `${MANIFEST_FILE} now describes another network than that of ${what}; calibrate again.`,
    );
  }
  const kept = await readListedFiles(directory, manifest.files, Object.keys(manifest.files));
  const before = readCalibration(kept.get(CALIBRATION_FILE));
  const calibration = toJson(apply(before));
  const changed: Manifest = {
    ...manifest,
    files: { ...manifest.files, [CALIBRATION_FILE]: describeFile(calibration) },
  };
  const files = new Map([...kept, [CALIBRATION_FILE, calibration], [MANIFEST_FILE, toJson(changed)]]);
  return installPackage({
    output: dirname(dirname(directory)),
    manifest,
    files,
    force: true,
    madeOf,
    async check(made) {
      check(made);
    },
  });
}

function readCalibration(bytes: Uint8Array | undefined): CalibrationDocument {
  return bytes
    ? readDocument(CALIBRATION_FILE, bytes, CalibrationDocument, CALIBRATION_FORMAT)
    : { formatVersion: CALIBRATION_FORMAT, defaultProfile: FULL_PROFILE, profiles: {} };
}
