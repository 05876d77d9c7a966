import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createConfig } from '../../src/config/config.js';
import { settingsIn } from '../../src/config/environment.js';
import { environmentVariableOf, flagOf, settingNames } from '../../src/config/settings.js';
import { UsageError } from '../../src/foundation/errors.js';

test('variables of settings are taken as text; others are left alone', () => {
  const { settings, notices } = settingsIn({
    RDI_PORT: '81',
    RDI_MAX_IN_FLIGHT: '9',
    PATH: '/bin',
    PORT: '1',
  });
  assert.deepEqual(settings, { port: '81', maxInFlight: '9' });
  assert.deepEqual(notices, []);
});

test('an empty variable is unset', () => {
  const { settings } = settingsIn({ RDI_PORT: '', RDI_MODELS: '', RDI_WORKERS: '', RDI_DOCS: '' });
  assert.deepEqual(settings, {});
  assert.equal(createConfig(settings).port, 8080);
});

test('an unknown variable is told, with the setting that it was meant for', () => {
  const { settings, notices } = settingsIn({ RDI_MAX_INFLIGHT: '9', RDI_SOMETHING_ELSE: 'yes' });
  assert.deepEqual(settings, {});
  assert.deepEqual(notices, [
    'RDI_MAX_INFLIGHT is no setting and has no effect. Did you mean RDI_MAX_IN_FLIGHT?',
    'RDI_SOMETHING_ELSE is no setting and has no effect.',
  ]);
});

test('what Kubernetes says of a service named rdi stops nothing', () => {
  const { settings, notices } = settingsIn({
    RDI_PORT: 'tcp://10.0.0.7:80',
    RDI_PORT_80_TCP: 'tcp://10.0.0.7:80',
    RDI_PORT_80_TCP_ADDR: '10.0.0.7',
    RDI_PORT_80_TCP_PORT: '80',
    RDI_PORT_80_TCP_PROTO: 'tcp',
    RDI_SERVICE_HOST: '10.0.0.7',
    RDI_SERVICE_PORT: '80',
    RDI_SERVICE_PORT_HTTP: '80',
    RDI_SERVE_PORT: 'tcp://10.0.0.8:80',
    RDI_SERVE_PORT_80_TCP_ADDR: '10.0.0.8',
    RDI_SERVE_SERVICE_HOST: '10.0.0.8',
  });
  assert.deepEqual(settings, {});
  assert.equal(notices.length, 1);
  assert.match(notices[0] ?? '', /^RDI_PORT=tcp:.* is ignored\. Set enableServiceLinks: false/);
});

test('of every port, the address of a Kubernetes service with its name is told and not taken', () => {
  const ports = settingNames.filter((name) => environmentVariableOf(name).endsWith('_PORT'));
  assert.deepEqual(ports, ['port', 'grpcPort']);
  for (const name of ports) {
    for (const address of ['tcp://10.0.0.7:8001', 'udp://10.0.0.7:8001', 'tcp://[fd00::7]:8001']) {
      const { settings, notices } = settingsIn({ [environmentVariableOf(name)]: address });
      assert.deepEqual(settings, {});
      assert.equal(notices.length, 1);
      assert.match(notices[0] ?? '', new RegExp(`enableServiceLinks: false .* as ${flagOf(name)}\\.$`));
    }
  }
  const { notices } = settingsIn({ RDI_GRPC_PORT: 'tcp://10.0.0.7:8001' });
  assert.match(
    notices[0] ?? '',
    /^RDI_GRPC_PORT=tcp:\/\/10\.0\.0\.7:8001 .* service named rdi-grpc and is ignored/,
  );
});

test('every setting can be given: none has a name that Kubernetes uses for something else', () => {
  const given = Object.fromEntries(settingNames.map((name) => [environmentVariableOf(name), '1']));
  const { settings, notices } = settingsIn(given);
  assert.deepEqual(Object.keys(settings), settingNames);
  assert.deepEqual(notices, []);
});

test('a value that a setting with a fixed choice does not have: the choice is listed', () => {
  const message = (given: object): string => {
    try {
      createConfig(given);
    } catch (error) {
      if (error instanceof UsageError) return error.message;
    }
    return '';
  };
  assert.match(message({ engine: 'cuda' }), /it must be one of auto, tensorflow, onnx, wasm\.$/);
  assert.match(message({ device: 'tpu' }), /it must be one of auto, cpu, gpu\.$/);
  assert.match(
    message({ logLevel: 'INFO' }),
    /it must be one of fatal, error, warn, info, debug, trace, silent\.$/,
  );
});
