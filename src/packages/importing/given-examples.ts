// What `--expects` and `--examples` give: a sentence, and images with their classes, as entries and files of a package.
import type { MediaType } from '../../decoding/media-types.js';
import type { Description } from '../../format/description.js';
import { EXAMPLES_FOLDER, type Example, examplePaths } from '../../format/expectation.js';
import { UsageError } from '../../foundation/errors.js';

export interface GivenExample {
  /** Its path, as the user gave it. */
  readonly name: string;
  readonly label: string;
  readonly mediaType: MediaType;
  readonly bytes: Uint8Array;
}

export interface GivenExpectation {
  readonly expects?: string;
  readonly examples?: readonly GivenExample[];
}

export interface Expectation {
  readonly description: Description;
  /** The examples, by their paths in the package. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/**
 * The description with what the user gives in place of its own entries.
 * @param read reads an example that the description names itself, by its path in the package
 * @throws UsageError if a given example shows none of the classes
 */
export async function withExpectation(
  description: Description,
  { expects, examples }: GivenExpectation,
  read: (path: string) => Promise<Uint8Array>,
): Promise<Expectation> {
  const described = { ...description, ...(expects !== undefined && { expects }) };
  if (!examples) {
    const paths = examplePaths(description);
    const files = await Promise.all(paths.map(async (path) => [path, await read(path)] as const));
    return { description: described, files: new Map(files) };
  }
  const odd = examples.find(({ label }) => !description.classes.includes(label));
  if (odd) {
    throw new UsageError(
      `--examples: "${odd.name}" lies in a folder named "${odd.label}", which is none of the classes.`,
    );
  }
  const named = examples.map((one, index) => ({ file: fileNameOf(one, index), ...one }));
  return {
    description: { ...described, examples: named.map(({ file, label }): Example => ({ file, label })) },
    files: new Map(named.map(({ file, bytes }) => [`${EXAMPLES_FOLDER}/${file}`, bytes])),
  };
}

const extensions: Readonly<Record<MediaType, string>> = {
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/webp': 'webp',
};

/** The class and a number, with only those characters that the file of an example may have. */
function fileNameOf({ label, mediaType }: GivenExample, index: number): string {
  const plain = label
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 50);
  return `${plain === '' ? 'example' : plain}-${index + 1}.${extensions[mediaType]}`;
}
