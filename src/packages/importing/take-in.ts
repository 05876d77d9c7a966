// An exported graph as a package holds it: rewritten where it has to be, and checked against its description.
import type { Engine } from '../../engines/engine.js';
import type { Description } from '../../format/description.js';
import type { ModelInput } from '../../format/manifest.js';
import { imageLayout } from '../../network/intake/image-layout.js';
import { rewriteExport } from '../../network/intake/rewrite-export.js';
import type { MultiExitGraph } from '../../network/multi-exit-graph.js';
import { graphImage, readNetwork } from '../package.js';

export interface TakenIn {
  /** The file as it goes into the package. */
  readonly graph: Uint8Array;
  readonly input: ModelInput;
  /** As they are in `graph`. */
  readonly exits: MultiExitGraph['exits'];
  readonly network: MultiExitGraph;
  /** What was changed on the way, a sentence each. */
  readonly notes: readonly string[];
}

/** @throws PackageError if the network is not as described, or cannot be served. */
export async function takeIn(
  engine: Engine,
  exported: Uint8Array,
  { tensor, input, classes, exits: described }: Description,
): Promise<TakenIn> {
  const layout = input.layout ?? imageLayout(exported, { tensor, ...input });
  const modelInput: ModelInput = { tensor, background: 0, ...input, ...(layout === 'nhwc' && { layout }) };
  const { model, exits, notes } = await rewriteExport(engine, exported, {
    image: graphImage(modelInput),
    classes,
    exits: described,
    isUnit: isUnit(input),
  });
  return {
    graph: model,
    input: modelInput,
    exits,
    network: readNetwork(model, { classes, input: modelInput, exits }),
    notes,
  };
}

/** Whether pixels go in as values from 0 to 1. */
function isUnit({ mean, std, range: [black, white] = [0, 1] }: Description['input']): boolean {
  return [...mean, black].every((value) => value === 0) && [...std, white].every((value) => value === 1);
}
