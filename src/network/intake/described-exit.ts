// An exit as it is described before import: what crosses to the next stage may be several tensors. Import makes one of them.

export interface DescribedExit {
  readonly name: string;
  readonly logits: string;
  /** Absent at the final exit only. */
  readonly cut?: string | readonly string[];
}

export function cutsOf({ cut }: DescribedExit): readonly string[] {
  return cut === undefined ? [] : typeof cut === 'string' ? [cut] : cut;
}
