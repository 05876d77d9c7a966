// The files under deploy/ that are made from others: dashboards from their TypeScript source, the Kubernetes form of the
// Prometheus rules, and KServe's ServingRuntime, with the container of the InferenceService. They are committed; a test holds them in step; `npm run deploy-files` writes them.
import { readdirSync, readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { dashboards } from './grafana/source/dashboards.js';

const RULES = 'deploy/prometheus/rules';
const KSERVE = 'deploy/kubernetes/kserve/inference-service.yaml';

/** Path → content. To be called in the repository's root. */
export function generatedFiles(): Map<string, string> {
  const files = dashboards.map((dashboard): [string, string] => [
    `deploy/grafana/dashboards/${dashboard.uid}.json`,
    `${JSON.stringify(dashboard, null, 2)}\n`,
  ]);
  return new Map([
    ...files,
    ['deploy/kubernetes/components/monitoring/prometheus-rule.yaml', prometheusRule()],
    ['deploy/kubernetes/kserve-runtime/serving-runtime.yaml', servingRuntime()],
  ]);
}

function prometheusRule(): string {
  const groups = readdirSync(RULES)
    .sort()
    .flatMap((file) => (parse(readFileSync(`${RULES}/${file}`, 'utf8')) as { groups: unknown[] }).groups);
  const rule = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'rdi-serve' },
    spec: { groups },
  };
  return `# Made from ${RULES} by npm run deploy-files.\n${stringify(rule, { lineWidth: 0 })}`;
}

function servingRuntime(): string {
  const { spec } = parse(readFileSync(KSERVE, 'utf8')) as {
    spec: { predictor: { containers: unknown[]; volumes: unknown[] } };
  };
  const { containers, volumes } = spec.predictor;
  const runtime = {
    apiVersion: 'serving.kserve.io/v1alpha1',
    kind: 'ServingRuntime',
    metadata: { name: 'rdi-serve' },
    spec: {
      supportedModelFormats: [{ name: 'rdi-serve', version: '1', autoSelect: true }],
      protocolVersions: ['v2'],
      containers,
      volumes,
    },
  };
  return `# Made from ${KSERVE} by npm run deploy-files.\n${stringify(runtime, { lineWidth: 0 })}`;
}
