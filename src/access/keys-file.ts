// The keys file: one line for each key, and one for each client that has settings. Makes keys and reads the file.
// The file contains only digests. Keys are 32 random bytes, so a plain SHA-256 cannot be inverted by guessing.
import { createHash, randomBytes } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { messageOf, UsageError } from '../foundation/errors.js';
import { MOST_FLOPS } from './budget.js';
import type { ClientSettings } from './client.js';

export interface KeysFile {
  /** The whole file. */
  readonly text: string;
  readonly keys: readonly { readonly owner: string; readonly digest: Buffer }[];
  /** The settings of a client, whether or not a line names it. */
  settingsOf(client: string): ClientSettings;
}

const LINE = /^([\w.-]{1,64}) sha256:([0-9a-f]{64})$/;
/** A client, or * for every client without such a line of its own. */
const SETTINGS_LINE = /^([\w.-]{1,64}|\*)((?: +[\w-]+=\S*)+)$/;
const EVERYBODY = '*';
const limits = new Map<string, readonly [least: number, most: number]>([
  ['weight', [0.001, 1_000_000]],
  ['flops-per-second', [1, MOST_FLOPS]],
  ['burst-flops', [1, MOST_FLOPS]],
]);
const withoutSettings: ClientSettings = { weight: 1, budget: undefined };

/** A new key for a client, and its line for the keys file. @throws UsageError if the client's name is not valid */
export function createApiKey(owner: string): { readonly key: string; readonly line: string } {
  const key = `rdi_${randomBytes(32).toString('base64url')}`;
  const line = `${owner} sha256:${digestOf(key).toString('hex')}`;
  if (LINE.test(line)) return { key, line };
  throw new UsageError(`"${owner}" cannot name a client: use at most 64 letters, digits, ".", "_" and "-".`);
}

/** Adds a line to the keys file, which is created if necessary. @throws UsageError if it cannot be written */
export async function addApiKey(path: string, line: string): Promise<void> {
  try {
    const file = await open(path, 'a+', 0o600);
    try {
      const { size } = await file.stat();
      const last = Buffer.from('\n');
      if (size > 0) await file.read(last, 0, 1, size - 1);
      // The last line may lack its newline, for example after manual editing.
      await file.appendFile(`${last.toString() === '\n' ? '' : '\n'}${line}\n`);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new UsageError(`The API keys file cannot be written: ${messageOf(error)}.`, { cause: error });
  }
}

/** @throws UsageError if the file cannot be read, or as by `parseKeysFile` */
export async function readKeysFile(file: string): Promise<KeysFile> {
  return parseKeysFile(file, await readKeysText(file));
}

/** @throws UsageError if the file cannot be read */
export async function readKeysText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`The API keys file cannot be read: ${messageOf(error)}.`, { cause: error });
  }
}

/**
 * @param file for messages
 * @param text `<client> sha256:<digest>` for a key, `<client> <setting>=<number> …` for settings; empty lines and lines
 * that begin with # are skipped
 * @throws UsageError if there is no key, or a line is not valid. No message shows a line: it may contain a key.
 */
export function parseKeysFile(file: string, text: string): KeysFile {
  const keys: { owner: string; digest: Buffer }[] = [];
  const settings = new Map<string, ClientSettings & { readonly line: number }>();
  text.split(/\r?\n/).forEach((raw, index) => {
    const content = raw.trim();
    const line = index + 1;
    if (content === '' || content.startsWith('#')) return;
    const [, owner, digest] = LINE.exec(content) ?? [];
    if (owner !== undefined && digest !== undefined) {
      keys.push({ owner, digest: Buffer.from(digest, 'hex') });
      return;
    }
    const [, client, assignments] = SETTINGS_LINE.exec(content) ?? [];
    if (client === undefined || assignments === undefined) {
      throw new UsageError(
        `${file}, line ${line} is neither "<client> sha256:<64 hexadecimal digits>" nor "<client> <setting>=<number> …".`,
      );
    }
    const earlier = settings.get(client);
    if (earlier) {
      throw new UsageError(`${file}, line ${line}: ${client} has settings already, in line ${earlier.line}.`);
    }
    settings.set(client, { ...settingsIn(assignments.trim(), `${file}, line ${line}`), line });
  });
  if (keys.length === 0) throw new UsageError(`${file} has no API key; rdi-serve api-key makes one.`);
  for (const [client, { line }] of settings) {
    if (client === EVERYBODY || keys.some(({ owner }) => owner === client)) continue;
    throw new UsageError(`${file}, line ${line}: no line has a key of ${client}.`);
  }
  return {
    text,
    keys,
    settingsOf: (client) => settings.get(client) ?? settings.get(EVERYBODY) ?? withoutSettings,
  };
}

/** @param place for messages. @throws UsageError if a setting is unknown, given twice or out of its limits */
function settingsIn(assignments: string, place: string): ClientSettings {
  const values = new Map<string, number>();
  for (const assignment of assignments.split(/ +/)) {
    const [name = '', text = ''] = assignment.split('=');
    const [least, most] = limits.get(name) ?? [];
    if (least === undefined || most === undefined) {
      throw new UsageError(`${place}: the settings of a client are ${[...limits.keys()].join(', ')}.`);
    }
    if (values.has(name)) throw new UsageError(`${place}: ${name} is given twice.`);
    const value = /^\d+(\.\d+)?(e\d{1,2})?$/i.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most)) {
      throw new UsageError(
        `${place}: ${name} must be a number from ${least} to ${most}, such as 5 or 2.5e9.`,
      );
    }
    values.set(name, value);
  }
  const flopsPerSecond = values.get('flops-per-second');
  const burstFlops = values.get('burst-flops') ?? flopsPerSecond;
  if (flopsPerSecond === undefined && burstFlops !== undefined) {
    throw new UsageError(`${place}: burst-flops needs flops-per-second.`);
  }
  return {
    weight: values.get('weight') ?? withoutSettings.weight,
    budget:
      flopsPerSecond === undefined || burstFlops === undefined ? undefined : { flopsPerSecond, burstFlops },
  };
}

/** SHA-256. */
export function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
