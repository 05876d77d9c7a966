// The images that the load scripts send: a package's own golden inputs, as PNGs.
import { encodeGolden } from '../command/stand.js';
import { UsageError } from '../../src/foundation/errors.js';
import { findPackages } from '../../src/packages/repository.js';

/** @param wanted name of the model; undefined: the first by name. @throws UsageError if there is none */
export async function goldenImages(
  models: string,
  wanted: string | undefined,
): Promise<{ name: string; images: Buffer[] }> {
  const { packages } = await findPackages(models);
  const model = wanted === undefined ? packages[0] : packages.findLast((one) => one.manifest.name === wanted);
  if (!model) throw new UsageError(`There is no model ${wanted ?? ''} in "${models}".`);
  return { name: model.manifest.name, images: await encodeGolden(model) };
}
