// `--expects` and `--examples`: what a model expects of an image, for the people who use it.
import type { Command } from 'commander';
import { openImageFolder } from '../datasets/image-folder.js';
import { MOST_EXAMPLES } from '../format/expectation.js';
import { UsageError } from '../foundation/errors.js';
import type { GivenExpectation } from '../packages/importing/given-examples.js';

export interface ExpectationFlags {
  readonly expects?: string;
  readonly examples?: string;
}

export function expectationFlags(command: Command): Command {
  return command
    .option(
      '--expects <sentence>',
      'what the model expects of an image, such as "One digit, white on black."',
    )
    .option('--examples <folder>', `up to ${MOST_EXAMPLES} images to show and to try, CLASS/image.png`);
}

/** @throws UsageError if the folder cannot be read, is empty or holds too many images */
export async function expectationOf({
  expects,
  examples: folder,
}: ExpectationFlags): Promise<GivenExpectation> {
  const examples = folder === undefined ? undefined : await examplesIn(folder);
  return { ...(expects !== undefined && { expects }), ...(examples && { examples }) };
}

async function examplesIn(folder: string): Promise<NonNullable<GivenExpectation['examples']>> {
  const { samples } = await openImageFolder(folder);
  if (samples.length === 0 || samples.length > MOST_EXAMPLES) {
    throw new UsageError(
      `--examples: "${folder}" holds ${samples.length} images; 1 to ${MOST_EXAMPLES} are taken, PNG, JPEG or WebP.`,
    );
  }
  return Promise.all(samples.map(async ({ read, ...rest }) => ({ ...rest, bytes: await read() })));
}
