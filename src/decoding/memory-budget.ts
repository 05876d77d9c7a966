// Memory for images that are being decoded: each takes its share before it begins, and waits while there is too little.
// In the order in which they came, so that a large one is not overtaken for ever; those that nobody needs any more are
// dropped.

/** @returns why an image need not be decoded any more; undefined: it is still needed */
export type Dropped = () => Error | undefined;

export interface MemoryBudget {
  /**
   * Runs the task once `bytes` of the budget are free; they must not be more than all of it.
   * @throws what `dropped` says when the turn of the task comes
   */
  run<Result>(bytes: number, task: () => Promise<Result>, dropped?: Dropped): Promise<Result>;
}

interface Waiting {
  readonly bytes: number;
  readonly dropped: Dropped | undefined;
  readonly begin: () => void;
  readonly refuse: (reason: Error) => void;
}

export function createMemoryBudget(budgetBytes: number): MemoryBudget {
  let freeBytes = budgetBytes;
  const waiting: Waiting[] = [];

  function giveBack(bytes: number): void {
    freeBytes += bytes;
    for (let [next] = waiting; next !== undefined; [next] = waiting) {
      const reason = next.dropped?.();
      if (reason === undefined && next.bytes > freeBytes) return;
      waiting.shift();
      if (reason !== undefined) {
        next.refuse(reason);
        continue;
      }
      freeBytes -= next.bytes;
      next.begin();
    }
  }

  return {
    async run(bytes, task, dropped) {
      if (waiting.length === 0 && bytes <= freeBytes) freeBytes -= bytes;
      else {
        await new Promise<void>((begin, refuse) => waiting.push({ bytes, dropped, begin, refuse }));
      }
      try {
        return await task();
      } finally {
        giveBack(bytes);
      }
    },
  };
}
