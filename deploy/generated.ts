// The files under deploy/ that are made from others: dashboards from their TypeScript source, the Kubernetes form of the
// Prometheus rules, and KServe's ServingRuntime, with the container of the InferenceService. They are committed; a test holds them in step; `npm run deploy-files` writes them.
import { readdirSync, readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { defaultOf, environmentVariableOf } from '../src/config/settings.js';
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
    ['deploy/kubernetes/kserve-runtime/serving-runtime.yaml', servingRuntime('rdi-serve', 'v2')],
    ['deploy/kubernetes/kserve-grpc/serving-runtime.yaml', servingRuntime('rdi-serve-grpc', 'grpc-v2')],
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

function servingRuntime(name: string, protocol: 'v2' | 'grpc-v2'): string {
  const { spec } = parse(readFileSync(KSERVE, 'utf8')) as {
    spec: { predictor: { containers: Container[]; volumes: unknown[] } };
  };
  const { containers, volumes } = spec.predictor;
  const runtime = {
    apiVersion: 'serving.kserve.io/v1alpha1',
    kind: 'ServingRuntime',
    metadata: { name },
    spec: {
      supportedModelFormats: [{ name: 'rdi-serve', version: '1', autoSelect: protocol === 'v2' }],
      protocolVersions: [protocol],
      containers: protocol === 'v2' ? containers : containers.map(overGrpc),
      volumes,
    },
  };
  return `# Made from ${KSERVE} by npm run deploy-files.\n${stringify(runtime, { lineWidth: 0 })}`;
}

interface Container {
  readonly env: readonly object[];
  readonly startupProbe: object;
  readonly readinessProbe: object;
}

const GRPC_PORT = defaultOf('grpcPort') as number;

/** The container with gRPC's port as the one that KServe sends to. Whether it lives is still asked over HTTP. */
function overGrpc({ env, startupProbe, readinessProbe, ...rest }: Container): object {
  const asked = (probe: object) => {
    const { httpGet: _httpGet, ...timing } = probe as { httpGet?: unknown };
    return { grpc: { port: GRPC_PORT }, ...timing };
  };
  return {
    ...rest,
    ports: [{ name: 'h2c', containerPort: GRPC_PORT, protocol: 'TCP' }],
    env: [...env, { name: environmentVariableOf('grpc'), value: 'true' }],
    startupProbe: asked(startupProbe),
    readinessProbe: asked(readinessProbe),
  };
}
