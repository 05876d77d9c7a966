import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { availableCores } from '../../src/config/available-cores.js';
import { createConfig } from '../../src/config/config.js';
import {
  defaultOf,
  environmentVariableOf,
  flagOf,
  type SettingName,
  settingNames,
} from '../../src/config/settings.js';
import { UsageError } from '../../src/foundation/errors.js';

test('without settings: the defaults, and a worker for every core', () => {
  const config = createConfig();
  assert.deepEqual([config.port, config.host, config.models], [8080, '::', 'models']);
  assert.equal(config.workers, availableCores());
  assert.ok(Object.isFrozen(config));
});

test('text, as flags and the environment give it, becomes what the setting is', () => {
  const config = createConfig({
    port: '0',
    drainDelaySeconds: '1.5',
    docs: 'false',
    host: '127.0.0.1',
    workers: '3',
  });
  assert.deepEqual(
    [config.port, config.drainDelaySeconds, config.docs, config.host, config.workers],
    [0, 1.5, false, '127.0.0.1', 3],
  );
});

const wrong: [SettingName, unknown[]][] = [
  ['port', ['http', '65536', '-1', '80.5', '', ' ', 'Infinity']],
  ['engine', ['cuda', '', 'ONNX']],
  ['device', ['tpu', '']],
  ['workers', ['', 'all', '-1', '257']],
  ['maxInFlight', ['0', 'many', '65537']],
  ['maxImageBytes', ['0', '10 MB']],
  ['requestTimeoutSeconds', ['0', 'NaN', '3601']],
  ['docs', ['yes', '', '1']],
  ['logLevel', ['loud', '', 'INFO']],
  ['models', ['']],
  ['ladder', ['balanced', 'balanced,', ',', 'balanced,,fast', 'balanced,fast,balanced']],
  ['ladderTargetMs', ['0', 'soon', '60001']],
];

for (const [name, values] of wrong) {
  test(`${flagOf(name)} names itself, its variable and the value when that is wrong`, () => {
    for (const value of values) {
      assert.throws(
        () => createConfig({ [name]: value }),
        (error) => {
          assert.ok(error instanceof UsageError);
          const start = `${flagOf(name)} (${environmentVariableOf(name)}) cannot be "${String(value)}": it `;
          assert.ok(error.message.startsWith(start) && /^[^\n]+\.$/.test(error.message), error.message);
          return true;
        },
      );
    }
  });
}

test('a batch that could never be admitted is a mistake', () => {
  assert.throws(() => createConfig({ maxInFlight: 8 }), /--max-batch-images cannot exceed --max-in-flight/);
  assert.equal(createConfig({ maxInFlight: 8, maxBatchImages: 8 }).maxInFlight, 8);
});

test('a body that could never be admitted is a mistake', () => {
  const limits = { maxImageBytes: 2000, maxBatchBytes: 3000 };
  assert.throws(
    () => createConfig({ ...limits, maxBytesInFlight: 2999 }),
    /--max-batch-bytes cannot exceed --max-bytes-in-flight/,
  );
  assert.throws(
    () => createConfig({ maxImageBytes: 3001, maxBatchBytes: 3000, maxBytesInFlight: 3000 }),
    /--max-image-bytes cannot exceed --max-bytes-in-flight/,
  );
  assert.equal(createConfig({ ...limits, maxBytesInFlight: 3000 }).maxBytesInFlight, 3000);
});

test('flags and variables are spelled by rule', () => {
  assert.equal(flagOf('maxInFlight'), '--max-in-flight');
  assert.equal(environmentVariableOf('maxInFlight'), 'RDI_MAX_IN_FLIGHT');
  assert.equal(new Set(settingNames.map(flagOf)).size, settingNames.length);
});

test('docs/operations.md has every setting with its default, and no others', async () => {
  const text = await readFile(join(import.meta.dirname, '../../../docs/operations.md'), 'utf8');
  const documented = [...text.matchAll(/^\| (`RDI_.+?) \| (.+?) \|/gm)].flatMap(
    ([, names = '', defaults = '']) => {
      const values = defaults.split(', ');
      return names.split(', ').map((name, index) => [name.replaceAll('`', ''), shownDefault(values[index])]);
    },
  );
  const expected = settingNames.map((name) => [environmentVariableOf(name), String(defaultOf(name))]);
  assert.deepEqual(documented.sort(), expected.sort());
});

/** `10 MiB` is 10485760, a dash is nothing. */
function shownDefault(text = ''): string {
  const [, number, mebi] = /^([\d,.]+)( MiB)?$/.exec(text) ?? [];
  if (number === undefined) return text.replace(/[`–]/g, '');
  return String(Number(number.replaceAll(',', '')) * (mebi ? 2 ** 20 : 1));
}
