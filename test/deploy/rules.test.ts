// The rules as shipped: sound, tested by promtool in both directions, and each alert leads to a runbook section.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import {
  dashboardQueries,
  prometheusFolder,
  readRules,
  readText,
  ruleFiles,
  scalingQueries,
} from './files.js';
import { without } from './prometheus-process.js';

interface RuleTests {
  readonly tests: readonly {
    readonly promql_expr_test?: readonly { readonly expr: string }[];
    readonly alert_rule_test?: readonly {
      readonly alertname: string;
      readonly exp_alerts?: readonly object[];
    }[];
  }[];
}

const rules = readRules();
const alerts = rules.filter(({ alert }) => alert !== undefined);
const testFiles = readdirSync(path.join(prometheusFolder, 'tests')).map((name) => `tests/${name}`);
const tests = testFiles
  .map((file) => parse(readText(`deploy/prometheus/${file}`)) as RuleTests)
  .flatMap((file) => file.tests);

test('a bound that is a whole number is asked for in both spellings: Prometheus 3 writes le="1.0"', () => {
  const expressions = [
    ...rules.map(({ expr }) => expr),
    ...[...dashboardQueries('5m'), ...scalingQueries()].map(({ expression }) => expression),
  ];
  const bounds = expressions.flatMap((expr) =>
    [...expr.matchAll(/\ble="([^"]*)"/g)].map(([, bound]) => bound),
  );
  assert.ok(bounds.length > 0);
  for (const bound of bounds) assert.doesNotMatch(bound ?? '', /^\d+(\.0)?$/);
});

test('no name twice', () => {
  const names = rules.map(({ record, alert }) => record ?? alert);
  assert.equal(new Set(names).size, names.length);
});

test('every alert has a severity, says what is wrong, and leads to a section of its runbook', () => {
  const sections = new Set(
    [...readText('docs/runbooks.md').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replace(/\s+/g, '-'),
    ),
  );
  for (const { alert, labels, annotations = {} } of alerts) {
    assert.match(labels?.['severity'] ?? '', /^(page|ticket)$/, alert);
    assert.ok(annotations['summary'], alert);
    assert.match(annotations['description'] ?? '', /\.$/, alert);
    const [, section = ''] = /^docs\/runbooks\.md#(.+)$/.exec(annotations['runbook_url'] ?? '') ?? [];
    assert.ok(sections.has(section), `${alert}: docs/runbooks.md has no section #${section}`);
  }
});

test('every alert is tested to fire and not to fire; every recording rule has a value to match', () => {
  const checks = tests.flatMap(({ alert_rule_test: checks = [] }) => checks);
  for (const { alert } of alerts) {
    const fires = checks
      .filter(({ alertname }) => alertname === alert)
      .map(({ exp_alerts: e = [] }) => e.length > 0);
    assert.deepEqual([...new Set(fires)].sort(), [false, true], alert);
  }
  const expressions = tests.flatMap(({ promql_expr_test: checks = [] }) => checks.map(({ expr }) => expr));
  for (const { record } of rules) {
    if (record !== undefined)
      assert.ok(
        expressions.some((expression) => expression.includes(record)),
        record,
      );
  }
});

const skip = without('promtool');

function promtool(...args: string[]): void {
  execFileSync('promtool', args, { cwd: prometheusFolder, stdio: 'pipe' });
}

test('promtool finds the configuration and the rules sound', { skip }, () => {
  promtool('check', 'config', 'prometheus.yml');
  promtool('check', 'rules', ...ruleFiles);
});

test('promtool runs the tests of the rules', { skip }, () => promtool('test', 'rules', ...testFiles));
