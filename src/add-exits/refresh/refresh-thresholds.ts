// Certifies the profiles of a package anew, on new images, and makes a new version of it: the network and its exits stay.
import { measureTypicality } from '../../calibration/measure-typicality.js';
import { recordScores } from '../../calibration/scores/record.js';
import { CALIBRATION_FILE } from '../../format/documents.js';
import { version as program } from '../../foundation/version.js';
import { installPackage, refuseExisting, toJson } from '../../packages/install.js';
import type { ModelPackage } from '../../packages/package.js';
import { readListedFiles } from '../../packages/package-files.js';
import { certifyProfiles } from '../certify-profiles.js';
import { type Compared, compareProfiles } from '../compare.js';
import { calibrationOf, packed } from '../make-package.js';
import { type AddExitsOptions, counted } from '../options.js';
import { renderFigure } from '../report/figure.js';
import { CARD_FILE, FIGURE_FILE } from '../report/model-card.js';
import { refreshedCard } from '../report/refreshed-card.js';
import { refuseTooFewToTest } from '../split.js';
import { limitsOf } from './older-version.js';

export interface RefreshOptions
  extends Pick<
    AddExitsOptions,
    'engine' | 'decoder' | 'samples' | 'dataSha256' | 'seed' | 'output' | 'force' | 'onProgress'
  > {
  readonly model: ModelPackage;
  /** Of the new package. */
  readonly version: string;
}

export interface Refreshed {
  /** undefined: nothing could be certified, and nothing was written. */
  readonly made: ModelPackage | undefined;
  readonly compared: readonly Compared[];
}

/** @throws UsageError if the package promises nothing that can be certified anew, or there are too few images */
export async function refreshThresholds(options: RefreshOptions): Promise<Refreshed> {
  const { model, engine, decoder, samples, dataSha256, seed, output, force, version, onProgress } = options;
  const limits = limitsOf(model);
  refuseTooFewToTest(samples.length, limits);
  if (!force) await refuseExisting(output, { name: model.manifest.name, version });
  const recording = await recordScores({
    ...{ model, engine, decoder, samples, dataSha256 },
    onProgress: counted('images calibrated on', samples.length, onProgress),
  });
  const certified = certifyProfiles(recording, model.manifest, limits, seed);
  const compared = compareProfiles(model, recording, certified, seed);
  if (certified.every(({ profile }) => profile === undefined)) return { made: undefined, compared };
  const { manifest } = model;
  const typicality = await measureTypicality({
    ...{ input: manifest.input, decoder, samples, dataSha256, seed },
    onProgress: (done, of) => onProgress('images measured', done, of),
  });
  const kept = await readListedFiles(model.directory, manifest.files, Object.keys(manifest.files));
  const refreshed = {
    by: `rdi-serve ${program} refresh`,
    from: `${manifest.name}/${manifest.version}`,
    images: samples.length,
    ...{ data: dataSha256, seed },
  };
  const changed = { ...manifest, version, provenance: { ...manifest.provenance, refreshed } };
  const oldCard = kept.get(CARD_FILE);
  const card = refreshedCard({ model, version, certified, compared, images: samples.length, oldCard });
  const made = await installPackage({
    ...{ output, force },
    ...packed(
      changed,
      new Map([
        ...kept,
        [
          CALIBRATION_FILE,
          toJson(calibrationOf(certified, model.defaultProfile, typicality ?? model.typicality)),
        ],
        [CARD_FILE, Buffer.from(card)],
        [FIGURE_FILE, Buffer.from(renderFigure({ certified }, manifest))],
      ]),
    ),
  });
  return { made, compared };
}
