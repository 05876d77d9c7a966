// The memory budget of images that are being decoded. An image reserves its memory before it is decoded, and waits
// while too little is free. Images are served in order of arrival, so that smaller images do not overtake a large one
// forever. An image that is no longer needed is dropped.

/** @returns the reason why an image need not be decoded any more; undefined: it is still needed */
export type Dropped = () => Error | undefined;

export interface MemoryBudget {
  /**
   * Runs the task as soon as `bytes` of the budget are free. `bytes` must not exceed the budget.
   * @throws the error that `dropped` returns when the turn of a waiting task comes
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
