// The figures of an evaluation, as a document for programs and as text tables.

import type { NamedDataSet } from '../datasets/open-data-set.js';
import { formatTable, megaflops, percent, signedPoints } from '../report/table.js';
import type { SubjectModel } from './subject.js';
import type { ProfileSummary } from './summary.js';

export interface Evaluation {
  /** Name and version of this program. */
  readonly tool: string;
  /** End of the evaluation, in ISO 8601. */
  readonly date: string;
  readonly model: Pick<SubjectModel, 'name' | 'version' | 'engine' | 'fullFlops'> & {
    /** null for a remote server: its package files are not visible. */
    readonly files: SubjectModel['files'] | null;
  };
  readonly dataSet: Pick<NamedDataSet, 'name' | 'sha256'> & {
    readonly images: number;
    /** Number of images used, evenly spaced. */
    readonly used: number;
  };
  readonly profiles: readonly ProfileSummary[];
  /** Differences between the service's metrics and its answers; empty if they agree exactly. */
  readonly metricsDifferences: readonly string[];
}

export function renderEvaluation(evaluation: Evaluation): string {
  const { model, dataSet, profiles } = evaluation;
  return (
    `${model.name}/${model.version} on ${dataSet.used} of ${dataSet.images} images of ${dataSet.name}, ` +
    `${model.engine.name} on ${model.engine.device}\n\n` +
    `${accuracyTable(profiles)}\n${exitTable(profiles)}\n${agreement(evaluation)}\n`
  );
}

function accuracyTable(profiles: readonly ProfileSummary[]): string {
  return formatTable(
    [
      'profile:',
      'accuracy',
      '95 % interval',
      'agrees with full',
      'less full, points',
      'MFLOPs',
      'of backbone',
      'of certified',
      'images/s',
    ],
    profiles.map((one) => [
      one.isDefault ? `${one.profile} (default)` : one.profile,
      percent(one.accuracy),
      one.accuracyInterval.map((end) => (100 * end).toFixed(2)).join(' to '),
      percent(one.agreementWithFull),
      signedPoints(one.accuracyLessFull),
      megaflops(one.executedFlops),
      percent(one.shareOfBackbone, 1),
      one.shareOfCertified === null ? '–' : percent(one.shareOfCertified, 1),
      Math.round(one.imagesPerSecond),
    ]),
  );
}

function exitTable(profiles: readonly ProfileSummary[]): string {
  return formatTable(
    ['profile:', 'exit:', 'images', 'share', 'accuracy there'],
    profiles.flatMap(({ profile, exits }) =>
      exits
        .filter(({ images }) => images > 0)
        .map(({ index, name, images, share, accuracy }) => [
          profile,
          `${index} ${name}`,
          images,
          percent(share),
          accuracy === null ? '–' : percent(accuracy),
        ]),
    ),
  );
}

function agreement({ metricsDifferences: differences, profiles }: Evaluation): string {
  const answers = profiles.reduce((sum, { images }) => sum + images, 0);
  return differences.length === 0
    ? `The service's metrics agree exactly with the ${answers} answers: counts per exit and FLOPs.`
    : `The service's metrics DISAGREE with the ${answers} answers (does another client use the service?):\n` +
        differences.map((line) => `  ${line}`).join('\n');
}
