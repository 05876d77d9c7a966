// Makes a profile and its certificate from the certified point.

import { type Certificate, subjectOf } from '../format/certificate.js';
import type { Manifest } from '../format/manifest.js';
import type { ProfileDocument } from '../format/profiles.js';
import type { TestedPath } from './certify.js';
import type { CalibrationGoal } from './goal.js';
import { testNames } from './scores/losses.js';
import type { Recording } from './scores/recording.js';
import { flopsBound } from './search/evaluate-path.js';
import { exactPercent, statementOf } from './statement.js';

export interface IssueOptions {
  readonly tested: TestedPath;
  /** Index of the certified point. */
  readonly index: number;
  readonly goal: CalibrationGoal;
  readonly seed: number;
  readonly recording: Pick<Recording, 'dataSha256'>;
  /** Present if risks on adversarial copies are limited. */
  readonly adversarialCopies?: NonNullable<Certificate['adversarialCopies']>;
  readonly manifest: Manifest;
  readonly date: Date;
  readonly tool: string;
}

/** @returns the entry for calibration.json. */
export function issueProfile(options: IssueOptions): ProfileDocument {
  const { tested, index, goal, manifest, adversarialCopies } = options;
  const { path, tuneImages, calImages, points } = tested;
  const point = points[index];
  if (!point) throw new RangeError(`the path has no point ${index}`);
  const { policy } = path;
  const thresholds = [...point.thresholds];
  const claims = {
    delta: goal.delta,
    risks: point.risks.map((risk) => ({ ...risk, test: testNames[risk.loss] })),
    ...(adversarialCopies && { adversarialCopies }),
    flops: {
      mean: Math.round(point.meanFlops),
      bound: Math.ceil(flopsBound(point, tested, manifest.exits, goal.delta)),
      ...(goal.budgetFlops !== undefined && { budget: goal.budgetFlops }),
    },
    images: { tune: tuneImages, cal: calImages, seed: options.seed },
  };
  const certificate: Certificate = {
    statement: statementOf(claims),
    ...claims,
    exitShares: [...point.exitShares],
    path: { points: points.length, certified: index },
    sha256: {
      ...subjectOf(manifest, { policy, thresholds }),
      path: path.sha256,
      data: options.recording.dataSha256,
    },
    date: options.date.toISOString(),
    tool: options.tool,
  };
  return { description: describe(goal), policy, thresholds, certificate };
}

function describe({ risks, delta, budgetFlops }: CalibrationGoal): string {
  const limits = risks.map(
    ({ loss, data, epsilon }) =>
      `${loss} risk ${data === 'adversarial' ? 'on adversarial copies ' : ''}at most ${exactPercent(epsilon)}`,
  );
  if (budgetFlops !== undefined) limits.push(`mean cost at most ${budgetFlops} FLOPs`);
  return `Certified: ${limits.join(', ')}, with confidence ${exactPercent(1 - delta)}.`;
}
