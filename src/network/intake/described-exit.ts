// An exit as the description has it. Its cut may be several tensors, which import joins into one.

export interface DescribedExit {
  readonly name: string;
  readonly logits: string;
  /** Absent at the final exit only. */
  readonly cut?: string | readonly string[];
}

export function cutsOf({ cut }: DescribedExit): readonly string[] {
  return cut === undefined ? [] : typeof cut === 'string' ? [cut] : cut;
}
