// PromQL as the dashboards need it. Every query is narrowed by the dashboard's variables.

/** For metrics of the process. */
export const anyInstance = 'instance=~"$instance"';
/** For metrics that say which model. */
export const anyModel = `model=~"$model", version=~"$version", ${anyInstance}`;

export interface Selection {
  /** Further matchers, such as `reason="final"`. */
  readonly where?: string;
  /** What the metric is narrowed by. */
  readonly scope?: string;
}

export function select(metric: string, { where, scope = anyModel }: Selection = {}): string {
  return `${metric}{${where === undefined ? scope : `${where}, ${scope}`}}`;
}

/** Per second. */
export function rate(metric: string, selection?: Selection): string {
  return `rate(${select(metric, selection)}[$__rate_interval])`;
}

export function sum(by: string, expression: string): string {
  return by === '' ? `sum(${expression})` : `sum by (${by}) (${expression})`;
}

/** Quantile of a histogram, by `labels` if there are any. */
export function quantile(q: number, histogram: string, labels = '', selection?: Selection): string {
  const by = labels === '' ? 'le' : `le, ${labels}`;
  return `histogram_quantile(${q}, ${sum(by, rate(`${histogram}_bucket`, selection))})`;
}

/** Mean of what a histogram observed. */
export function mean(histogram: string, labels = '', selection?: Selection): string {
  const of = (part: string) => sum(labels, rate(`${histogram}_${part}`, selection));
  return `${of('sum')} / ${of('count')}`;
}

/** How many fell into each bucket, for a heat map. */
export function buckets(histogram: string, selection?: Selection): string {
  return sum('le', `increase(${select(`${histogram}_bucket`, selection)}[$__rate_interval])`);
}
