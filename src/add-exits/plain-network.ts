// The network that exits are added to: read, rewritten and checked as `import` does, with its final exit alone.
import type { Engine } from '../engines/engine.js';
import type { Description } from '../format/description.js';
import { examplePaths } from '../format/expectation.js';
import { UsageError } from '../foundation/errors.js';
import { namingFile } from '../packages/importing/named-file.js';
import type { Wishes } from '../packages/importing/propose.js';
import { readSource } from '../packages/importing/read-source.js';
import { type TakenIn, takeIn } from '../packages/importing/take-in.js';

export interface PlainNetwork extends TakenIn {
  readonly description: Description;
  /** The example images that the description names, by their paths in the package. */
  readonly examples: ReadonlyMap<string, Uint8Array>;
}

/**
 * @param source an ONNX file, or a folder with model.onnx and description.json
 * @throws UsageError if more has to be said of a file alone, or the network has several exits already
 * @throws PackageError if the network cannot be served
 */
export function readPlainNetwork(engine: Engine, source: string, wishes: Wishes): Promise<PlainNetwork> {
  return namingFile(source, () => read(engine, source, wishes));
}

async function read(engine: Engine, source: string, wishes: Wishes): Promise<PlainNetwork> {
  const { description, model, optional } = await readSource(source, wishes);
  if (description.exits.length !== 1) {
    throw new UsageError(
      `"${source}" has ${description.exits.length} exits already; \`rdi-serve import\` makes a package of it.`,
    );
  }
  const paths = examplePaths(description);
  const examples = new Map(optional.filter(([path]) => paths.includes(path)));
  return { ...(await takeIn(engine, model, description)), description, examples };
}
