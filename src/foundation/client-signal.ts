// The signal that a client needs no answer any more: the ClientSignal of workers/request.ts.

/** @returns a signal, and the function that aborts it */
export function createClientSignal() {
  const listeners: (() => void)[] = [];
  // Not a getter: with a getter in an object literal, V8 gives every object its own hidden class. That keeps the
  // getter's closure, here the whole request, alive until a major garbage collection.
  const signal = {
    aborted: false,
    addEventListener: (_type: 'abort', listener: () => void) => listeners.push(listener),
  };
  const abort = (): void => {
    if (signal.aborted) return;
    signal.aborted = true;
    for (const listener of listeners) listener();
  };
  return { signal, abort };
}
