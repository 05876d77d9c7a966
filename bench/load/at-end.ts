// What a benchmark has started does not outlive it, however it ends.
import process from 'node:process';

const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Does it when this process ends, by itself or by a signal.
 * @param act synchronous: nothing that waits comes to its end
 * @returns what forgets it again
 */
export function atEnd(act: () => void): () => void {
  // A signal ends a process without `exit`; with its only listener gone, it ends this one when it comes again.
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
