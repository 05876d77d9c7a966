// Reads the Prometheus text format of GET /metrics.

export interface Metrics {
  /** Sum over the samples of this name that have all these labels; 0 if there are none. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
}

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export function readExposition(text: string): Metrics {
  const samples = text.split('\n').flatMap((line) => sampleOf(line) ?? []);
  return {
    sum: (name, labels = {}) =>
      samples
        .filter((sample) => sample.name === name)
        .filter((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
        .reduce((sum, { value }) => sum + value, 0),
  };
}

/** undefined: a comment or an empty line. */
function sampleOf(line: string): Sample | undefined {
  const [, name, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
  if (name === undefined) return undefined;
  const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', text = '']) => [
    key,
    text.replace(/\\(.)/g, (_, one: string) => (one === 'n' ? '\n' : one)),
  ]);
  return { name, labels: Object.fromEntries(pairs), value: Number(value) };
}
