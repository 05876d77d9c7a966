// States certificates in plain words, for calibration.json and GET /models.
import type { Certificate, LossName } from '../format/certificate.js';

/** Significant digits of a stated cost. */
const DIGITS = 4;

type Claims = Pick<Certificate, 'risks' | 'adversarialCopies' | 'delta' | 'flops' | 'images'>;

const promises: Readonly<Record<LossName, (epsilon: number) => string>> = {
  consistency: (epsilon) => `at most ${exactPercent(epsilon)} of answers differ from the full network’s`,
  error: (epsilon) => `accuracy is at most ${points(epsilon)} below the full network’s`,
};

/** States what a certificate promises and what it does not promise. */
export function statementOf({ risks, adversarialCopies, delta, flops, images }: Claims): string {
  const claims = risks.map(({ loss, data, epsilon }) =>
    data === 'adversarial'
      ? `on copies of such images attacked by ${adversarialCopies?.attack}, ${promises[loss](epsilon)} on them`
      : promises[loss](epsilon),
  );
  if (flops.budget !== undefined) {
    claims.push(`the mean cost is at most ${megaflopsUp(flops.budget)} MFLOPs an image`);
  }
  return (
    `With confidence ${exactPercent(1 - delta)}, on traffic like the calibration images, ${claims.join(', and ')}. ` +
    `Tested on ${images.cal} images${adversarialCopies ? ' and their copies' : ''} that had no part in choosing the thresholds, and must have had none in training; the mean cost there ` +
    `was ${megaflops(flops.mean)} MFLOPs an image, with the same confidence at most ${megaflopsUp(flops.bound)}. ` +
    'It holds for the traffic as a whole, not for every class or image, and says nothing about traffic that has ' +
    `shifted away from the calibration images or that an adversary has chosen${adversarialCopies ? ' by any other attack' : ''}.`
  );
}

/** 0.005 → `0.5 %`. Not rounded: a rounded value could promise more than was tested. */
export function exactPercent(share: number): string {
  return `${hundredths(share)} %`;
}

/** A difference between shares: 0.01 → `1 percentage point`. */
function points(difference: number): string {
  return `${hundredths(difference)} percentage point${hundredths(difference) === 1 ? '' : 's'}`;
}

/** 100 × `share` without floating-point noise: in binary, 100 × 0.07 is not exactly 7. */
function hundredths(share: number): number {
  return Number((100 * share).toPrecision(12));
}

/** 3,120,400 → `3.120`. */
function megaflops(flops: number): string {
  const digits = (flops / 1e6).toPrecision(DIGITS);
  return digits.includes('e+') ? String(Number(digits)) : digits;
}

/** Like `megaflops`, but rounds up, because an upper bound must not be rounded down. */
function megaflopsUp(flops: number): string {
  const nearest = Number(flops.toPrecision(DIGITS));
  const unit = 10 ** (Math.floor(Math.log10(flops)) + 1 - DIGITS);
  return megaflops(nearest < flops ? nearest + unit : nearest);
}
