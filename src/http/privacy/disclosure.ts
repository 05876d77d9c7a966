// What the answers of this server tell of a prediction, by its privacy mode: the document and the headers.
import type { Config, PrivacyMode } from '../../config/settings.js';
import type { Prediction } from '../../serving/prediction.js';
import { createTelling, type Told } from '../../serving/privacy/telling.js';
import { blanksFor } from './equal-length.js';

export interface Disclosure {
  readonly mode: PrivacyMode;
  of(prediction: Prediction): Told;
  /** The headers that repeat parts of the answer, for clients and proxies that do not read bodies. */
  headers(prediction: Prediction): Record<string, string | number>;
  /** JSON; in the mode `strict` of equal length for all classes. @param told what `document` says, in order */
  text(document: object, told: readonly Told[], classes: readonly string[]): string;
}

export function createDisclosure({
  privacy: mode,
  privacyIntervalMs,
}: Pick<Config, 'privacy' | 'privacyIntervalMs'>): Disclosure {
  return {
    mode,
    of: createTelling(mode, privacyIntervalMs),
    headers: mode === 'off' ? allHeaders : mode === 'coarse' ? exitHeaders : () => ({}),
    text(document, told, classes) {
      const text = JSON.stringify(document);
      return mode === 'strict' ? text + blanksFor(told, classes) : text;
    },
  };
}

function exitHeaders({ exit, flops }: Prediction): Record<string, number> {
  return { 'x-exit-index': exit.index, 'x-flops': flops.executed };
}

function allHeaders(prediction: Prediction): Record<string, string | number> {
  return { ...exitHeaders(prediction), 'server-timing': serverTiming(prediction.timing) };
}

function serverTiming({ decodeMs, queueMs, inferMs, totalMs }: Prediction['timing']): string {
  const parts = { decode: decodeMs, queue: queueMs, infer: inferMs, total: totalMs };
  return Object.entries(parts)
    .map(([name, milliseconds]) => `${name};dur=${milliseconds.toFixed(3)}`)
    .join(', ');
}
