// Memory for images that are being decoded: each takes its share before it begins, and waits while there is too little.
// In the order in which they came, so that a large one is not overtaken for ever.

export interface MemoryBudget {
  /** Runs the task once `bytes` of the budget are free; they must not be more than all of it. */
  run<Result>(bytes: number, task: () => Promise<Result>): Promise<Result>;
}

export function createMemoryBudget(budgetBytes: number): MemoryBudget {
  let freeBytes = budgetBytes;
  const waiting: { readonly bytes: number; readonly begin: () => void }[] = [];

  function giveBack(bytes: number): void {
    freeBytes += bytes;
    for (let next = waiting[0]; next !== undefined && next.bytes <= freeBytes; next = waiting[0]) {
      waiting.shift();
      freeBytes -= next.bytes;
      next.begin();
    }
  }

  return {
    async run(bytes, task) {
      if (waiting.length === 0 && bytes <= freeBytes) freeBytes -= bytes;
      else await new Promise<void>((begin) => waiting.push({ bytes, begin }));
      try {
        return await task();
      } finally {
        giveBack(bytes);
      }
    },
  };
}
