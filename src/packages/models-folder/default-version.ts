// The pin of a model: a file `default-version` beside its versions that names the one which requests get that name none.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Check } from 'typebox/value';
import { Name } from '../../format/manifest.js';
import { messageOf } from '../../foundation/errors.js';

export const PIN_FILE = 'default-version';

export interface Pin {
  /** What the file contains, without white space at the ends. */
  readonly text: string;
  /** undefined: the file does not name a version. */
  readonly version: string | undefined;
  /** Why it does not, in one sentence. */
  readonly fault: string;
}

/** @param directory the folder of a model. @returns undefined if the model is not pinned */
export async function readPin(directory: string): Promise<Pin | undefined> {
  let text: string;
  try {
    text = (await readFile(join(directory, PIN_FILE), 'utf8')).trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    return { text: '', version: undefined, fault: `${PIN_FILE} cannot be read: ${messageOf(error)}.` };
  }
  const isName: boolean = Check(Name, text);
  if (isName) return { text, version: text, fault: '' };
  const said = text === '' ? 'is empty' : `contains "${text.slice(0, 64)}"`;
  return { text, version: undefined, fault: `${PIN_FILE} ${said}; it must contain the name of one version.` };
}
