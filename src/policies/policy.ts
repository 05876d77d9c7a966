// The interface of an exit policy. Each policy is an object in its own file; policies.ts lists them.

export interface ExitPolicy {
  /** The score in a few words, for the OpenAPI document. */
  readonly description: string;
  /** Which scores are more confident. lower: an image leaves below the threshold; higher: at or above it. */
  readonly surer: 'lower' | 'higher';
  /**
   * Whether the score counts consecutive active exits that agree. If so, it depends on which exits are active, and
   * thresholds are whole numbers of exits.
   */
  readonly countsAgreement: boolean;
  /** The range of scores in a network with `exitCount` exits; a threshold outside it would have no effect. */
  range(exitCount: number): readonly [lowest: number, highest: number];
  /**
   * @param probabilities of all classes at this exit
   * @param agreeing number of consecutive active exits, including this one, that predict the same class
   * @returns NaN if the probabilities are NaN
   */
  score(probabilities: Float32Array, agreeing: number): number;
}

/** Whether an image with this score may leave; false if the score is NaN. */
export function clears({ surer }: ExitPolicy, score: number, threshold: number): boolean {
  return surer === 'lower' ? score < threshold : score >= threshold;
}
