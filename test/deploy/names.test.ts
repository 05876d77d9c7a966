// Every metric and label that is named in dashboards, rules and documents exists: the registry is the only source.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { createMetrics } from '../../src/telemetry/metrics.js';
import { dashboardQueries, readRules, readText, root, scalingQueries } from './files.js';
import { labelsMadeBy, usesOf } from './promql.js';

/** What Prometheus adds to every series when it scrapes. */
const TARGET_LABELS = ['job', 'instance'];

const known = new Map<string, ReadonlySet<string>>([['up', new Set(TARGET_LABELS)]]);
const { registry } = createMetrics([1]);
for (const { name } of await registry.getMetricsAsJSON()) {
  const metric = registry.getSingleMetric(name) as unknown as { labelNames: string[]; type: string };
  const labels = [...metric.labelNames, ...TARGET_LABELS];
  if (metric.type === 'histogram') {
    known.set(`${name}_bucket`, new Set([...labels, 'le']));
    known.set(`${name}_sum`, new Set(labels));
    known.set(`${name}_count`, new Set(labels));
  } else {
    known.set(name, new Set(labels));
  }
}
/** Histograms may be called by their family's name. */
const families = new Set([...known.keys()].map((name) => name.replace(/_(bucket|sum|count)$/, '')));

const rules = readRules();
for (const { record, expr } of rules) {
  if (record === undefined) continue;
  const aggregated = labelsMadeBy(expr);
  const kept = usesOf(expr).flatMap(({ metric }) => [...(known.get(metric) ?? [])]);
  known.set(record, new Set(aggregated.length > 0 ? aggregated : kept));
}

function assertKnown(place: string, expression: string): void {
  for (const { metric, labels } of usesOf(expression)) {
    const has = known.get(metric);
    assert.ok(has, `${place}: there is no metric ${metric}`);
    for (const label of labels) assert.ok(has.has(label), `${place}: ${metric} has no label ${label}`);
  }
}

test('the queries of the dashboards', () => {
  const queries = dashboardQueries('5m');
  assert.ok(queries.length > 50);
  for (const { place, expression } of queries) assertKnown(place, expression);
});

test('the queries by which Kubernetes scales', () => {
  for (const { place, expression } of scalingQueries()) assertKnown(place, expression);
});

test('the variables of the dashboards', () => {
  for (const [, metric, label] of readText('deploy/grafana/source/dashboard.ts').matchAll(
    /label_values\((\w+)(?:\{.*?\})?, (\w+)\)/g,
  )) {
    assert.ok(known.get(metric ?? '')?.has(label ?? ''), `${metric} ${label}`);
  }
});

test('the expressions of the rules', () => {
  for (const { record, alert, expr } of rules) assertKnown(record ?? alert ?? '', expr);
});

test('the labels that alerts write into their texts', () => {
  for (const { alert, expr, annotations = {} } of rules) {
    if (alert === undefined) continue;
    const made = usesOf(expr).map(({ metric }) => known.get(metric));
    for (const text of Object.values(annotations)) {
      for (const [, label = ''] of text.matchAll(/\$labels\.(\w+)/g)) {
        assert.ok(
          made.every((labels) => labels?.has(label)),
          `${alert}: no label ${label}`,
        );
      }
    }
  }
});

/** Metrics and recorded series, with their labels. (The packages `rdi_training` and `rdi_serve…` are no metrics.) */
const METRIC =
  /(?<![\w:])((?:\w+:)?rdi_(?!training|serve)[a-z0-9_]+(?::\w+)?|(?:http|grpc|nodejs|process)_[a-z0-9_]+_(?:seconds|bytes|total|info)[a-z_]*)(?:\{([^}]*)\})?/g;

const documents = [
  'README.md',
  ...readdirSync(path.join(root, 'docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];

for (const document of documents) {
  test(`the metrics and labels of ${document}`, () => {
    const text = readText(document);
    for (const [, name = '', braces = ''] of text.matchAll(METRIC)) {
      assert.ok(known.has(name) || families.has(name), `there is no metric ${name}`);
      const labels = known.get(name) ?? known.get(`${name}_bucket`);
      for (const matcher of braces.split(',').filter((part) => part !== '')) {
        const label = matcher.trim().replace(/[=!~].*/, '');
        assert.ok(labels?.has(label), `${name} has no label ${label}`);
      }
    }
  });
}

test('docs/operations.md has a row for every metric of ours, with all its labels', () => {
  const rows =
    readText('docs/operations.md')
      .match(/^\| `(rdi|http|grpc)_.*? \|/gm)
      ?.join() ?? '';
  const documented = new Map(
    [...rows.matchAll(METRIC)].map(([, name = '', braces = '']) => [name, braces.split(',').filter(Boolean)]),
  );
  const ours = registry.getMetricsAsArray().filter(({ name }) => /^(rdi|http|grpc)_/.test(name));
  const expected = new Map(
    (ours as unknown as { name: string; labelNames: string[] }[]).map(({ name, labelNames }) => [
      name,
      labelNames.filter((label) => label !== 'model' && label !== 'version'),
    ]),
  );
  assert.deepEqual(documented, expected);
});
