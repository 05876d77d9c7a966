// The exit policies in plain words: what the score is, and on which side of the threshold an image leaves.

export interface PolicyWords {
  /** As in "doubt 0.02". */
  readonly score: string;
  /** As in "leaves below 0.15". */
  readonly leaves: string;
  readonly explained: string;
  readonly surer: 'lower' | 'higher';
}

const words: Readonly<Record<string, PolicyWords>> = {
  entropy: {
    score: 'doubt',
    leaves: 'leaves below',
    explained: 'Doubt is the entropy of the probabilities: 0 is certain, 1 is a blind guess.',
    surer: 'lower',
  },
  'max-softmax': {
    score: 'best probability',
    leaves: 'leaves from',
    explained: 'The score is the probability of the best class.',
    surer: 'higher',
  },
  margin: {
    score: 'lead',
    leaves: 'leaves from',
    explained: 'The lead is the best probability less the second best.',
    surer: 'higher',
  },
  patience: {
    score: 'exits that agree',
    leaves: 'leaves from',
    explained: 'The score is the number of exits in a row that agree.',
    surer: 'higher',
  },
};

/** Of a policy that this page does not know, the score has only its name. */
export function policyWords(policy: string): PolicyWords {
  return words[policy] ?? { score: policy, leaves: 'threshold', explained: '', surer: 'higher' };
}
