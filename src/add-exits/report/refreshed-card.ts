// The model card of a package whose thresholds were certified anew: what changed, then the card of the version before.
import type { ModelPackage } from '../../packages/package.js';
import type { Certified } from '../certify-profiles.js';
import type { Compared } from '../compare.js';
import { TUNE_SHARE } from '../split.js';
import { comparisonSection } from './comparison.js';
import { FIGURE_FILE, statementsOf } from './model-card.js';

export interface RefreshedCard {
  /** The version before. */
  readonly model: ModelPackage;
  readonly version: string;
  readonly certified: readonly Certified[];
  readonly compared: readonly Compared[];
  readonly images: number;
  readonly oldCard: Uint8Array | undefined;
}

export function refreshedCard(card: RefreshedCard): string {
  const { model, version, certified, compared, images, oldCard } = card;
  const { name, version: before } = model.manifest;
  const tune = Math.round(TUNE_SHARE * images);
  return `# ${name}, version ${version}

The network and the exits of version ${before}, with thresholds that were chosen and certified on other images by
\`rdi-serve refresh\`. ${tune} images built the paths of thresholds, ${images - tune} others tested them.

${comparisonSection(compared, before)}
![Compute against answers that change](${FIGURE_FILE})

${statementsOf(certified)}
${oldCard ? cardBefore(before, Buffer.from(oldCard).toString()) : ''}`;
}

/** Without its figure: the file of that name is the new version's. */
function cardBefore(version: string, card: string): string {
  const text = card.replaceAll(/^!\[[^\]]*\]\(exits\.svg\)\n+/gm, '');
  return `## Version ${version}\n\nThis is the card of the version before, whose thresholds were others.\n\n---\n\n${text}`;
}
