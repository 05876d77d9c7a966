// API keys: creates keys, reads the keys file and looks up keys of requests.
// The file contains only digests. Keys are 32 random bytes, so a plain SHA-256 cannot be inverted by guessing.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { messageOf, UsageError } from '../../foundation/errors.js';

export interface ApiKeys {
  /** The name of the client that owns this key; undefined if the key is unknown. */
  ownerOf(key: string): string | undefined;
}

const LINE = /^([\w.-]{1,64}) sha256:([0-9a-f]{64})$/;

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

/**
 * @param file one `<client> sha256:<digest>` per line; empty lines and lines that begin with # are skipped
 * @throws UsageError if the file cannot be read, has no key, or a line is not valid
 */
export async function readApiKeys(file: string): Promise<ApiKeys> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError(`The API keys file cannot be read: ${messageOf(error)}.`, { cause: error });
  }
  const keys = text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === '' || line.startsWith('#')) return [];
    const [, owner, digest] = LINE.exec(line.trim()) ?? [];
    if (owner === undefined || digest === undefined) {
      // Do not show the line: it may contain a key.
      throw new UsageError(`${file}, line ${index + 1} is not "<client> sha256:<64 hexadecimal digits>".`);
    }
    return [{ owner, digest: Buffer.from(digest, 'hex') }];
  });
  if (keys.length === 0) throw new UsageError(`${file} has no API key; rdi-serve api-key makes one.`);
  return {
    ownerOf(key) {
      const presented = digestOf(key);
      // Always compare with all keys, so that the duration reveals nothing.
      return keys.filter(({ digest }) => timingSafeEqual(digest, presented))[0]?.owner;
    },
  };
}

function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
