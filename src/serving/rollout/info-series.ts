// Series of a gauge that are 1 while something holds, each with the labels that say what.
import type { Gauge } from 'prom-client';

type Labels<Name extends string> = Record<Name, string>;

export interface InfoSeries<Name extends string> {
  /** Shows exactly these series. */
  show(series: readonly Labels<Name>[]): void;
}

export function createInfoSeries<Name extends string>(gauge: Gauge<Name>): InfoSeries<Name> {
  let shown = new Map<string, Labels<Name>>();
  return {
    show(series) {
      const next = new Map(series.map((labels) => [JSON.stringify(labels), labels]));
      for (const [key, labels] of shown) if (!next.has(key)) gauge.remove(labels);
      for (const labels of next.values()) gauge.set(labels, 1);
      shown = next;
    },
  };
}
