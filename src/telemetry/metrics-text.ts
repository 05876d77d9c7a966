// Parses the Prometheus text format, for `evaluate`, `bench` and the load scripts.

export interface MetricValue {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** @param text of the Prometheus exposition format, version 0.0.4; comments are skipped */
export function readMetrics(text: string): MetricValue[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = LINE.exec(line) ?? [];
    if (name === undefined || value === undefined) return [];
    const pairs = [...labels.matchAll(LABEL)].map(([, key, raw]) => [key, unescaped(raw ?? '')] as const);
    return [{ name, labels: Object.fromEntries(pairs), value: toNumber(value) }];
  });
}

/** The sum over all series with this name and at least these labels; 0 if there are none. */
export function sumOf(
  metrics: readonly MetricValue[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  return metrics
    .filter((one) => one.name === name && Object.entries(labels).every(([key, v]) => one.labels[key] === v))
    .reduce((sum, { value }) => sum + value, 0);
}

function toNumber(text: string): number {
  return text === '+Inf' ? Number.POSITIVE_INFINITY : text === '-Inf' ? -Infinity : Number(text);
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character));
}
