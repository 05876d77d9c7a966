// Writes the network that peers serve: from the image to the final exit, without side exits, as one ONNX file with a
// description of its input. servers/plain_network.py reads both.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { invariant } from '../../src/foundation/errors.js';
import type { ModelPackage } from '../../src/packages/package.js';

/** Writes network.onnx and network.json into `folder`. The graph is the segment that the profile `full` runs. */
export async function writePlainNetwork(
  { manifest, segments }: Pick<ModelPackage, 'manifest' | 'segments'>,
  folder: string,
): Promise<void> {
  const { classes, input, exits } = manifest;
  const whole = segments.find(({ from, to }) => from === -1 && to === exits.length - 1);
  invariant(whole, 'every package has the segment of the profile full');
  await writeFile(join(folder, 'network.onnx'), whole.graph);
  await writeFile(join(folder, 'network.json'), JSON.stringify({ classes, input, logits: whole.logits }));
}
