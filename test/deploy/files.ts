// What deploy/ ships, read back: dashboards with their queries, rules with their expressions.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

export const root = path.resolve(import.meta.dirname, '../../..');
export const prometheusFolder = path.join(root, 'deploy/prometheus');

export function readText(file: string): string {
  return readFileSync(path.join(root, file), 'utf8');
}

export interface Panel {
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
  readonly fieldConfig: {
    readonly defaults: {
      readonly unit?: string;
      readonly thresholds?: { readonly steps: readonly object[] };
    };
  };
}

export interface DashboardFile {
  readonly title: string;
  readonly uid: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: unknown }[] };
}

const dashboardsFolder = 'deploy/grafana/dashboards';

/** File name → dashboard as committed. */
export function readDashboards(): Map<string, DashboardFile> {
  const files = readdirSync(path.join(root, dashboardsFolder));
  return new Map(
    files.map((file) => [file, JSON.parse(readText(`${dashboardsFolder}/${file}`)) as DashboardFile]),
  );
}

export interface Query {
  /** Where it stands, for messages. */
  readonly place: string;
  readonly expression: string;
}

/** Every query of every panel; variables stand for anything, and `window` for Grafana's intervals. */
export function dashboardQueries(window: string): Query[] {
  return [...readDashboards().values()].flatMap(({ title, panels }) =>
    panels.flatMap((panel) =>
      (panel.targets ?? []).map(({ refId, expr }) => ({
        place: `${title}: ${panel.title} (${refId})`,
        expression: expr
          .replaceAll('$__rate_interval', window)
          .replaceAll('$__range', window)
          .replace(/\$(instance|model|version)\b/g, '.+'),
      })),
    ),
  );
}

export interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface RuleFile {
  readonly groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[];
}

export const ruleFiles = readdirSync(path.join(prometheusFolder, 'rules')).map((name) => `rules/${name}`);

export function readRules(): Rule[] {
  return ruleFiles
    .map((file) => parse(readText(`deploy/prometheus/${file}`)) as RuleFile)
    .flatMap(({ groups }) => groups.flatMap(({ rules }) => rules));
}

/** What KEDA asks Prometheus. */
export function scalingQueries(): Query[] {
  const file = 'deploy/kubernetes/components/keda/scaled-object.yaml';
  const { spec } = parse(readText(file), { merge: true }) as {
    spec: { triggers: readonly { metadata: { query: string } }[] };
  };
  return spec.triggers.map(({ metadata }) => ({ place: file, expression: metadata.query }));
}
