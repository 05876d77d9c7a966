// What an exit policy is. Each one is an object of this form in a file of its own; policies.ts lists them.

export interface ExitPolicy {
  /** What it compares, in a few words, for the API document. */
  readonly description: string;
  /** Which of two scores is the surer one. An image leaves below the threshold, or at or above it. */
  readonly surer: 'lower' | 'higher';
  /**
   * Whether the score counts the active exits in a row that agree. Then it depends on which exits are active, and
   * thresholds are whole numbers of exits.
   */
  readonly countsAgreement: boolean;
  /** The scores that it can give in a network with `exitCount` exits; a threshold outside would decide nothing. */
  range(exitCount: number): readonly [lowest: number, highest: number];
  /**
   * @param probabilities of all classes at this exit
   * @param agreeing active exits in a row, this one included, that gave the same class
   * @returns NaN where the probabilities are not numbers
   */
  score(probabilities: Float32Array, agreeing: number): number;
}

/** Whether an image with this score may leave. A score that is not a number never may. */
export function clears({ surer }: ExitPolicy, score: number, threshold: number): boolean {
  return surer === 'lower' ? score < threshold : score >= threshold;
}
