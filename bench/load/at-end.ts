// Runs cleanup when a benchmark ends, so that the processes it started do not outlive it.
import process from 'node:process';

const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Calls `act` when this process ends, by itself or by a signal.
 * @param act synchronous, because an ending process does not wait for promises
 * @returns a function that removes the registration
 */
export function atEnd(act: () => void): () => void {
  // A signal ends a process without an `exit` event. `once` removes the listener, so that the second signal ends it.
  const actAndEnd = (signal: NodeJS.Signals): void => {
    act();
    process.kill(process.pid, signal);
  };
  process.once('exit', act);
  for (const signal of ENDING_SIGNALS) process.once(signal, actAndEnd);
  return () => {
    process.removeListener('exit', act);
    for (const signal of ENDING_SIGNALS) process.removeListener(signal, actAndEnd);
  };
}
