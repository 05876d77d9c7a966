// Reads the Prometheus text format, so that tests see what a scraper sees.
import assert from 'node:assert/strict';

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Samples {
  readonly all: readonly Sample[];
  /** Sum over the samples of this name that have all these labels; 0 if there are none. */
  sum(name: string, labels?: Readonly<Record<string, string | number>>): number;
}

export async function scrape(url: string): Promise<Samples> {
  const response = await fetch(`${url}/metrics`);
  assert.equal(response.status, 200);
  return readExposition(await response.text());
}

export function readExposition(text: string): Samples {
  const all = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map(readSample);
  return {
    all,
    sum: (name, labels = {}) =>
      all
        .filter((sample) => sample.name === name)
        .filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === `${value}`))
        .reduce((sum, { value }) => sum + value, 0),
  };
}

function readSample(line: string): Sample {
  const [, name = '', labels = '', value = ''] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
  assert.notEqual(name, '', `not a sample: ${line}`);
  const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text]) => [key, text]);
  return { name, labels: Object.fromEntries(pairs), value: Number(value) };
}
