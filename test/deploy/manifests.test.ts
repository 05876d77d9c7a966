// What the Compose file and the Kubernetes manifests say of the service, against the service: settings that exist, routes
// that answer, enough time to stop. That the files are well-formed is checked against their schemas in .ci/deploy-files.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { createConfig } from '../../src/config/config.js';
import {
  defaultOf,
  environmentVariableOf,
  type SettingName,
  settingNames,
} from '../../src/config/settings.js';
import { readText, root } from './files.js';

interface Container {
  readonly image: string;
  readonly ports: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly startupProbe: Probe;
  readonly readinessProbe: Probe;
  readonly livenessProbe: Probe;
  readonly securityContext: object;
  readonly volumeMounts: readonly { readonly mountPath: string }[];
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string | number };
}

interface Pod {
  readonly enableServiceLinks: boolean;
  readonly terminationGracePeriodSeconds: number;
  readonly securityContext: { readonly runAsNonRoot: boolean; readonly runAsUser: number };
  readonly containers: readonly [Container];
}

const kubernetes = (file: string) => parse(readText(`deploy/kubernetes/${file}`), { merge: true });
const pods: Record<string, Pod> = {
  Deployment: kubernetes('base/deployment.yaml').spec.template.spec,
  InferenceService: kubernetes('kserve/inference-service.yaml').spec.predictor,
};

const settingOf = new Map(settingNames.map((name) => [environmentVariableOf(name), name]));

/** The configuration that these variables make; those whose value is not known here keep their default. */
function configOf(environment: readonly { readonly name: string; readonly value?: string | undefined }[]) {
  const given: Partial<Record<SettingName, string>> = {};
  for (const { name, value } of environment) {
    const setting = settingOf.get(name);
    assert.ok(setting, `there is no setting ${name}`);
    if (value !== undefined) given[setting] = value;
  }
  return createConfig(given);
}

for (const [kind, pod] of Object.entries(pods)) {
  const [container] = pod.containers;
  const { port, drainDelaySeconds, shutdownTimeoutSeconds } = configOf(container.env);

  test(`${kind}: variables that Kubernetes makes of services stay away`, () => {
    assert.equal(pod.enableServiceLinks, false);
  });

  test(`${kind}: killed only after the drain delay and the time to finish`, () => {
    assert.ok(drainDelaySeconds >= 5, 'time for endpoints to change');
    assert.ok(pod.terminationGracePeriodSeconds > drainDelaySeconds + shutdownTimeoutSeconds);
  });

  test(`${kind}: probes ask what the service answers, where it listens`, () => {
    const { startupProbe, readinessProbe, livenessProbe } = container;
    assert.deepEqual(
      [startupProbe, readinessProbe, livenessProbe].map(({ httpGet }) => httpGet.path),
      ['/readyz', '/readyz', '/livez'],
    );
    assert.deepEqual(
      container.ports.map(({ containerPort }) => containerPort),
      [port],
    );
    for (const { httpGet } of [startupProbe, readinessProbe, livenessProbe]) {
      assert.ok(httpGet.port === port || httpGet.port === container.ports[0]?.name);
    }
  });

  test(`${kind}: as the image's user, without privileges, with no place to write but /tmp`, () => {
    assert.match(readText('Dockerfile'), new RegExp(`^USER ${pod.securityContext.runAsUser}:`, 'm'));
    assert.equal(pod.securityContext.runAsNonRoot, true);
    assert.deepEqual(container.securityContext, {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    assert.deepEqual(
      container.volumeMounts.map(({ mountPath }) => mountPath),
      ['/tmp'],
    );
  });
}

test('KServe gets the same container as the Deployment', () => {
  const [plain, underKServe] = Object.values(pods).map(({ containers: [container] }) => ({
    ...container,
    // What each calls them; the tests above hold image and ports to the service.
    name: undefined,
    image: undefined,
    ports: undefined,
    env: container.env.map(({ name, value }) => ({ name, value })),
    ...Object.fromEntries(
      (['startupProbe', 'readinessProbe', 'livenessProbe'] as const).map((probe) => [
        probe,
        { ...container[probe], httpGet: container[probe].httpGet.path },
      ]),
    ),
  }));
  assert.deepEqual(underKServe, plain);
});

test('KServe’s runtime has that container too, and what it serves says so and runs in a pod like the other', () => {
  const { spec: runtime, metadata } = kubernetes('kserve-runtime/serving-runtime.yaml');
  const { containers, volumes, ...pod } = kubernetes('kserve/inference-service.yaml').spec.predictor;
  assert.deepEqual([runtime.containers, runtime.volumes], [containers, volumes]);
  const { model, ...predictor } = kubernetes('kserve-runtime/inference-service.yaml').spec.predictor;
  assert.deepEqual(predictor, pod);
  assert.equal(model.runtime, metadata.name);
  assert.ok(runtime.protocolVersions.includes(model.protocolVersion));
  assert.ok(
    runtime.supportedModelFormats.some(({ name }: { name: string }) => name === model.modelFormat.name),
  );
});

test('the disruption budget holds for the pods of the Deployment', () => {
  const [{ pairs }] = kubernetes('base/kustomization.yaml').labels;
  const budget = kubernetes('base/disruption-budget.yaml');
  assert.deepEqual(budget.spec.selector, { matchLabels: pairs });
});

test('Prometheus finds the Service, under the job name that the rules expect', () => {
  const service = kubernetes('base/service.yaml');
  const monitor = kubernetes('components/monitoring/service-monitor.yaml');
  const [{ name: port }] = service.spec.ports;
  assert.equal(service.metadata.name, 'rdi-serve');
  assert.deepEqual(
    monitor.spec.endpoints.map((one: { port: string }) => one.port),
    [port],
  );
});

test('the key for /metrics that both configurations show in a comment is where each of them looks for one', () => {
  const uncommented = (file: string) => parse(readText(file).replace('# authorization:', 'authorization:'));
  const [job] = uncommented('deploy/prometheus/prometheus.yml').scrape_configs;
  assert.deepEqual(Object.keys(job.authorization), ['credentials_file']);
  const monitor = uncommented('deploy/kubernetes/components/monitoring/service-monitor.yaml');
  const [{ authorization }] = monitor.spec.endpoints;
  assert.deepEqual(Object.keys(authorization.credentials), ['name', 'key']);
});

interface ComposeService {
  readonly read_only: boolean;
  readonly cap_drop: readonly string[];
  readonly security_opt: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly stop_grace_period?: string;
  readonly volumes?: readonly string[];
  readonly profiles?: readonly string[];
  readonly build?: { readonly target: string };
}

const { services } = parse(readText('docker-compose.yml'), { merge: true }) as {
  services: Readonly<Record<string, ComposeService>>;
};

test('Compose: by default the service alone', () => {
  const unasked = Object.entries(services).filter(([, { profiles = [] }]) => profiles.length === 0);
  assert.deepEqual(
    unasked.map(([name]) => name),
    ['rdi-serve'],
  );
});

for (const [name, service] of Object.entries(services)) {
  test(`Compose: ${name} is hardened, and what it mounts is there`, () => {
    assert.equal(service.read_only, true);
    assert.deepEqual(service.cap_drop, ['ALL']);
    assert.deepEqual(service.security_opt, ['no-new-privileges:true']);
    for (const volume of service.volumes ?? []) {
      const [source = ''] = volume.split(':');
      if (source.startsWith('.')) assert.ok(existsSync(path.join(root, source)), source);
    }
    if (service.build === undefined) return;
    assert.match(readText('Dockerfile'), new RegExp(`^FROM .* AS ${service.build.target}$`, 'm'));
    const environment = Object.entries(service.environment ?? {}).map(([key, value]) => ({
      name: key,
      value,
    }));
    const { drainDelaySeconds, shutdownTimeoutSeconds } = configOf(environment);
    assert.ok(
      Number.parseInt(service.stop_grace_period ?? '', 10) > drainDelaySeconds + shutdownTimeoutSeconds,
    );
  });
}

test('KServe’s runtime over gRPC has the same container, but for the port, its setting and who is asked whether it is ready', () => {
  const { spec: runtime, metadata } = kubernetes('kserve-grpc/serving-runtime.yaml');
  const { spec: plain } = kubernetes('kserve-runtime/serving-runtime.yaml');
  const [container] = runtime.containers;
  const port = defaultOf('grpcPort');
  assert.deepEqual(container.ports, [{ name: 'h2c', containerPort: port, protocol: 'TCP' }]);
  assert.deepEqual(container.env.at(-1), { name: 'RDI_GRPC', value: 'true' });
  for (const probe of ['startupProbe', 'readinessProbe']) assert.equal(container[probe].grpc.port, port);
  const common = ({
    ports: _p,
    env: _e,
    startupProbe: _s,
    readinessProbe: _r,
    ...rest
  }: Record<string, unknown>) => rest;
  assert.deepEqual(common(container), common(plain.containers[0]));
  const { model, ...predictor } = kubernetes('kserve-grpc/inference-service.yaml').spec.predictor;
  const { model: _model, ...other } = kubernetes('kserve-runtime/inference-service.yaml').spec.predictor;
  assert.deepEqual(predictor, other);
  assert.deepEqual([model.runtime, [model.protocolVersion]], [metadata.name, runtime.protocolVersions]);
});
