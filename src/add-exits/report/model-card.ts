// The model card of a network with added exits: what was done to it, with which images, and what came of it.
import type { Manifest } from '../../format/manifest.js';
import type { Certified } from '../certify-profiles.js';
import type { Findings, Results } from '../findings.js';
import { TUNE_SHARE } from '../split.js';
import { comparisonSection } from './comparison.js';
import { asMarkdown, candidateTable, exitTable, profileTable } from './results-table.js';

/** Of the package: what it costs against the answers that change. */
export const FIGURE_FILE = 'exits.svg';

export const CARD_FILE = 'MODEL_CARD.md';

/** @param before the version that the results are compared with */
export function modelCard(
  findings: Findings,
  results: Results,
  manifest: Manifest,
  before: string | undefined,
): string {
  const { split, notes, plain } = findings;
  const { recording, certified, accuracy } = results;
  const tune = Math.round(TUNE_SHARE * recording.images);
  return `# ${manifest.name}

${plain.description.description} Exits were added by \`rdi-serve add-exits\`: the network itself is as it was, and its
final exit gives the answers that it gave. Each added exit is one linear layer on means over parts of a tensor, fitted to the
network's own answers by logistic regression. Labels had no part in it. ${manifest.classes.length} classes.
${manifest.expects === undefined ? '' : `\n## What it expects\n\n${manifest.expects}\n`}
## Images

| images | what they did |
| --: | --- |
| ${split.fit.length} | the heads were fitted to them |
| ${split.choose.length} | chose the exits and how much their weights are held down; then the heads were fitted to them, too |
| ${tune} | built the paths of thresholds |
| ${recording.images - tune} | tested the paths: the certificates are about these |

No image is among two of these. Copies of the same file were left out. Images on which the network was trained make it look
surer than it is: none may be among the last two.

## Profiles

${asMarkdown(profileTable(results, manifest))}
Time is of one thread of the machine that made this package, in batches of 8, the fastest of several rounds.
${accuracy ? `Accuracy is of the ${accuracy.images} images that tested the paths, by their labels.\n` : ''}
![Compute against answers that change](${FIGURE_FILE})

${statementsOf(certified)}
${before === undefined ? '' : `${comparisonSection(results.compared, before)}\n`}## Exits

${asMarkdown(exitTable(results, manifest))}
## Candidates

Exits could have been added here; an arrow marks those that were, because they save most time on this machine.

${asMarkdown(candidateTable(findings))}${notes.length > 0 ? `\n${notes.join('\n')}\n` : ''}`;
}

/** The certificates in words, as a list. */
export function statementsOf(certified: readonly Certified[]): string {
  return certified
    .flatMap(({ name, profile }) =>
      profile?.certificate ? [`- \`${name}\`: ${profile.certificate.statement}\n`] : [],
    )
    .join('');
}
