// Certificates in plain words: for calibration.json, GET /models and whoever reads them.
import type { Certificate, LossName } from '../format/certificate.js';

/** Of a cost, as it is stated. */
const DIGITS = 4;

type Claims = Pick<Certificate, 'risks' | 'adversarialCopies' | 'delta' | 'flops' | 'images'>;

const promises: Readonly<Record<LossName, (epsilon: number) => string>> = {
  consistency: (epsilon) => `at most ${exactPercent(epsilon)} of answers differ from the full network’s`,
  error: (epsilon) => `accuracy is at most ${points(epsilon)} below the full network’s`,
};

/** What a certificate promises, and what it does not. */
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

/** 0.005 → `0.5 %`, with as many digits as it takes: rounded, it might promise more than was tested. */
export function exactPercent(share: number): string {
  return `${hundredths(share)} %`;
}

/** A difference between shares: 0.01 → `1 percentage point`. */
function points(difference: number): string {
  return `${hundredths(difference)} percentage point${hundredths(difference) === 1 ? '' : 's'}`;
}

/** Without what binary fractions leave behind: 100 × 0.07 is no 7. */
function hundredths(share: number): number {
  return Number((100 * share).toPrecision(12));
}

/** 3,120,400 → `3.120`. */
function megaflops(flops: number): string {
  const digits = (flops / 1e6).toPrecision(DIGITS);
  return digits.includes('e+') ? String(Number(digits)) : digits;
}

/** Of what a cost is at most: never less than that. */
function megaflopsUp(flops: number): string {
  const nearest = Number(flops.toPrecision(DIGITS));
  const unit = 10 ** (Math.floor(Math.log10(flops)) + 1 - DIGITS);
  return megaflops(nearest < flops ? nearest + unit : nearest);
}
