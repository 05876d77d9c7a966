// What a model expects of an image, for the people who use it: a sentence and example images, as a manifest says it.
// packages/example-images.ts reads the images.
import Type from 'typebox';
import { PackageError } from '../foundation/errors.js';

/** The folder of a package that holds its example images. */
export const EXAMPLES_FOLDER = 'examples';
export const MOST_EXAMPLES = 16;
/** Of one image: each is held in memory, and a page shows them all. */
export const MOST_EXAMPLE_BYTES = 128 * 1024;

export const Expects = Type.String({
  minLength: 1,
  maxLength: 300,
  description: 'A sentence for people, such as: White strokes on black, one digit, centred.',
});

export const Example = Type.Object(
  {
    // Safe in a path and in a URL.
    file: Type.String({
      pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,63}\\.(png|jpg|jpeg|webp)$',
      description: 'Its name in the folder `examples` of the package.',
    }),
    label: Type.String({ description: 'The class that it shows.' }),
    description: Type.Optional(
      Type.String({ minLength: 1, maxLength: 80, description: 'In a few words, such as: A hard 4.' }),
    ),
  },
  { additionalProperties: false },
);
export type Example = Type.Static<typeof Example>;

export const Examples = Type.Array(Example, {
  maxItems: MOST_EXAMPLES,
  description: 'Images that the model is made for, in the order in which they are shown.',
});

/** The paths of the examples in the package, in order. */
export function examplePaths({ examples = [] }: { readonly examples?: readonly Example[] }): string[] {
  return examples.map(({ file }) => `${EXAMPLES_FOLDER}/${file}`);
}

interface Described {
  readonly classes: readonly string[];
  readonly examples?: readonly Example[];
}

/** @throws PackageError if an example is given twice, or shows none of the classes */
export function checkExamples(document: string, { classes, examples = [] }: Described): void {
  const files = examples.map(({ file }) => file);
  for (const [index, { file, label }] of examples.entries()) {
    if (files.indexOf(file) < index) throw new PackageError(`${document} names the example ${file} twice.`);
    if (!classes.includes(label)) {
      throw new PackageError(
        `${document}: /examples/${index}/label is "${label}", which is none of the classes.`,
      );
    }
  }
}
