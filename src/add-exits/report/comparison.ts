// A version against the one before, for people: as a table, and as a section of the card.
import { exactPercent } from '../../calibration/statement.js';
import { megaflops, percent } from '../../report/table.js';
import type { Compared, Measured } from '../compare.js';
import { asMarkdown, type Table } from './results-table.js';

/** One row per profile. @param version of the older package */
export function comparisonTable(compared: readonly Compared[], version: string): Table {
  const cells = (measured: Measured | undefined) =>
    measured ? [percent(measured.changed), megaflops(measured.flops)] : ['–', '–'];
  return {
    header: [
      ...['profile:', 'answers changed', `version ${version}: then`, 'MFLOPs'],
      ...[`version ${version}: on new images`, 'MFLOPs', 'anew', 'MFLOPs'],
    ],
    rows: compared.map(({ name, epsilon, former, now, anew }) => [
      ...[name, `≤ ${exactPercent(epsilon)}`],
      ...[...cells(former), ...cells(now)],
      ...(anew ? cells(anew) : ['not certified', '–']),
    ]),
  };
}

/** A sentence for each profile whose promise the new images do not bear out. */
export function brokenPromises(compared: readonly Compared[], version: string): string[] {
  return compared.flatMap(({ name, epsilon, now }) =>
    now && now.changed > epsilon
      ? [
          `${name} of version ${version} promises to change at most ${exactPercent(epsilon)} of the answers, ` +
            `and changes ${percent(now.changed)} on the new images: they are not like those that certified it.`,
        ]
      : [],
  );
}

/** What the new version changes. @param before the version before */
export function comparisonSection(compared: readonly Compared[], before: string): string {
  return `## Compared with version ${before}

On the images that tested the paths: how many answers differ from the full network's, and the mean compute. "Then" is what
the certificates of version ${before} say of their own images.

${asMarkdown(comparisonTable(compared, before))}${brokenPromises(compared, before)
  .map((sentence) => `\n${sentence}\n`)
  .join('')}`;
}
