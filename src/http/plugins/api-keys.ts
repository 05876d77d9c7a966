// API keys: how one is made, how the file that admits them is read, how a presented key is looked up.
// The file holds digests only. Keys are 32 random bytes, so a plain SHA-256 cannot be guessed back.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { messageOf, UsageError } from '../../foundation/errors.js';

export interface ApiKeys {
  /** The name of the client that this key belongs to; undefined: it is none of the keys. */
  ownerOf(key: string): string | undefined;
}

const LINE = /^([\w.-]{1,64}) sha256:([0-9a-f]{64})$/;

/** A new key for this client, and the line that admits it. @throws UsageError if the name cannot stand in a line */
export function createApiKey(owner: string): { readonly key: string; readonly line: string } {
  const key = `rdi_${randomBytes(32).toString('base64url')}`;
  const line = `${owner} sha256:${digestOf(key).toString('hex')}`;
  if (LINE.test(line)) return { key, line };
  throw new UsageError(`"${owner}" cannot name a client: use at most 64 letters, digits, ".", "_" and "-".`);
}

/** Adds a line of `createApiKey` to the file, which is made if there is none. @throws UsageError if it cannot be written */
export async function addApiKey(path: string, line: string): Promise<void> {
  try {
    const file = await open(path, 'a+', 0o600);
    try {
      const { size } = await file.stat();
      const last = Buffer.from('\n');
      if (size > 0) await file.read(last, 0, 1, size - 1);
      // Somebody's editor may have left the last line without an end.
      await file.appendFile(`${last.toString() === '\n' ? '' : '\n'}${line}\n`);
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new UsageError(`The API keys file cannot be written: ${messageOf(error)}.`, { cause: error });
  }
}

/** @param file one `<client> sha256:<digest>` a line; empty lines and those that begin with # are skipped. @throws UsageError */
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
      // Not the line itself: someone may have put the key there.
      throw new UsageError(`${file}, line ${index + 1} is not "<client> sha256:<64 hexadecimal digits>".`);
    }
    return [{ owner, digest: Buffer.from(digest, 'hex') }];
  });
  if (keys.length === 0) throw new UsageError(`${file} has no API key; rdi-serve api-key makes one.`);
  return {
    ownerOf(key) {
      const presented = digestOf(key);
      // All of them, whichever it is: the time tells nothing.
      return keys.filter(({ digest }) => timingSafeEqual(digest, presented))[0]?.owner;
    },
  };
}

function digestOf(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}
