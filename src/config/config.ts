// The configuration of a server: the settings that are given, with defaults for the others, checked.
import { Check, Errors } from 'typebox/value';
import { UsageError } from '../foundation/errors.js';
import { availableCores } from './available-cores.js';
import {
  type Config,
  defaultOf,
  environmentVariableOf,
  flagOf,
  type SettingName,
  Settings,
  settingNames,
} from './settings.js';

/** @param given settings that replace defaults; text is converted. @throws UsageError if a setting is not valid */
export function createConfig(given: Partial<Record<SettingName, unknown>> = {}): Config {
  const values = Object.fromEntries(
    settingNames.map((name) => [name, convert(name, given[name]) ?? defaultOf(name)]),
  );
  const [error] = Errors(Settings, values);
  if (error || !Check(Settings, values)) {
    const name = (error?.instancePath.slice(1) ?? '') as SettingName;
    const { enum: taken } = Settings.properties[name] as { enum?: string[] };
    const fault = taken ? `must be one of ${taken.join(', ')}` : error?.message;
    throw new UsageError(
      `${flagOf(name)} (${environmentVariableOf(name)}) cannot be "${String(values[name])}": it ${fault}.`,
    );
  }
  checkTogether(values);
  return Object.freeze({ ...values, workers: values.workers || availableCores() });
}

/** @throws UsageError if settings that are valid alone do not go together */
function checkTogether(values: Config): void {
  if (values.maxBatchImages > values.maxInFlight) {
    throw new UsageError(
      '--max-batch-images cannot exceed --max-in-flight: such a batch could never be admitted.',
    );
  }
  if (values.grpc && values.grpcPort === values.port && values.port !== 0) {
    throw new UsageError('--grpc-port cannot be --port: gRPC has a port of its own.');
  }
  for (const name of ['maxImageBytes', 'maxBatchBytes'] as const) {
    if (values[name] > values.maxBytesInFlight) {
      throw new UsageError(
        `${flagOf(name)} cannot exceed --max-bytes-in-flight: such a body could never be admitted.`,
      );
    }
  }
  checkLadder(values.ladder);
  if (values.privacy === 'strict' && values.slowdownAction === 'cap') {
    throw new UsageError(
      '--slowdown-action cap cannot be used with --privacy strict: `certified` would show which images were capped.',
    );
  }
}

/** @throws UsageError unless it is empty or names several profiles, each once */
function checkLadder(ladder: string): void {
  const names = ladderNames(ladder);
  const isTwice = new Set(names).size < names.length;
  const fault =
    names.length === 1 || names.includes('')
      ? 'must name at least two profiles, comma-separated, such as balanced,fast'
      : isTwice && 'must name each profile once';
  if (fault) throw new UsageError(`--ladder (RDI_LADDER) cannot be "${ladder}": it ${fault}.`);
}

/** The profiles of the setting `ladder`, the default profile first. */
export function ladderNames(ladder: string): string[] {
  return ladder === '' ? [] : ladder.split(',').map((name) => name.trim());
}

function convert(name: SettingName, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  const { type } = Settings.properties[name] as { type?: string };
  if ((type === 'integer' || type === 'number') && value.trim() !== '') {
    const number = Number(value);
    return Number.isNaN(number) ? value : number;
  }
  if (type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true';
  return value;
}
