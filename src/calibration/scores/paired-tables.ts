// The calibration images and, if robustness is certified, their adversarial copies. Copy i was made from image i, so
// both go to the same side of every split. See also exit-table.ts.
import type { RiskData } from '../../format/certificate.js';
import { invariant, UsageError } from '../../foundation/errors.js';
import { type ExitTable, selectImages } from './exit-table.js';
import type { Recording } from './recording.js';

export interface PairedTables {
  readonly clean: ExitTable;
  readonly adversarial?: ExitTable;
}

export function tableOf(tables: PairedTables, data: RiskData): ExitTable {
  const table = tables[data];
  invariant(table, `there are ${data} images`);
  return table;
}

/** The tables of the given images and of their copies, in the given order. */
export function selectPairs({ clean, adversarial }: PairedTables, indices: Uint32Array): PairedTables {
  return {
    clean: selectImages(clean, indices),
    ...(adversarial && { adversarial: selectImages(adversarial, indices) }),
  };
}

type Identity = Pick<Recording, 'images' | 'truth' | 'dataSha256'>;

/** @throws UsageError if `copies` cannot hold one copy of each image in the same order. */
export function checkCopies(clean: Identity, copies: Identity): void {
  if (copies.images !== clean.images) {
    throw new UsageError(
      `There are ${copies.images} adversarial copies of ${clean.images} images; give one of each, in the same order.`,
    );
  }
  if (copies.dataSha256 === clean.dataSha256) {
    throw new UsageError('The adversarial copies are the images themselves; no attack was applied.');
  }
  const { truth } = copies;
  const differing = truth ? (clean.truth?.findIndex((label, image) => label !== truth[image]) ?? -1) : -1;
  if (differing >= 0) {
    throw new UsageError(
      `Adversarial copy ${differing} is of another class than image ${differing}; ` +
        'copies must come in the images’ order.',
    );
  }
}
