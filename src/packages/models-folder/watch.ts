// Detects that a models folder has changed. Polling works with every kind of volume and link; on network file systems
// and in containers, notifications of the operating system do not arrive.
import type { Survey } from './survey.js';

export interface WatchOptions {
  /** @throws Error if the models folder cannot be read; the watch then goes on with the next check */
  readonly survey: () => Promise<Survey>;
  /** What was found at the start. */
  readonly first: Survey;
  /** Time between checks. */
  readonly intervalSeconds: number;
  /**
   * Called after every check, and awaited before the next one. What differs between the last two checks is `inFlux`, so
   * that no half-written folder is read.
   */
  readonly onSurvey: (survey: Survey) => Promise<void>;
}

/** @returns a function that ends the watch */
export function watchModels({ survey, first, intervalSeconds, onSurvey }: WatchOptions): () => void {
  let last = first;
  let timer: NodeJS.Timeout | undefined;
  let ended = false;

  async function look(): Promise<void> {
    const found = await survey().catch(() => undefined);
    if (ended) return;
    if (found) {
      await onSurvey(settled(last, found));
      last = found;
    }
    if (!ended) schedule();
  }

  function schedule(): void {
    timer = setTimeout(look, intervalSeconds * 1000);
    timer.unref();
  }

  schedule();
  return () => {
    ended = true;
    clearTimeout(timer);
  };
}

/** `found` with everything that is not as it was before marked as in flux. */
function settled(before: Survey, found: Survey): Survey {
  const inFlux = new Set<string>();
  for (const label of [...before.versions.keys(), ...found.versions.keys()]) {
    const fingerprintIn = ({ versions }: Survey) => versions.get(label)?.fingerprint;
    if (fingerprintIn(before) !== fingerprintIn(found)) inFlux.add(label);
  }
  for (const name of [...before.pins.keys(), ...found.pins.keys()]) {
    if (before.pins.get(name)?.text !== found.pins.get(name)?.text) inFlux.add(name);
  }
  return { ...found, inFlux };
}
