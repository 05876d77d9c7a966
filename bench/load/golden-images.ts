// The images that the load scripts send: a package's golden inputs, as PNGs.
import sharp from 'sharp';
import { UsageError } from '../../src/foundation/errors.js';
import type { ModelPackage } from '../../src/packages/package.js';
import { findPackages } from '../../src/packages/repository.js';

/** @param wanted name of the model; undefined: the first by name. @throws UsageError if there is none */
export async function goldenImages(
  models: string,
  wanted: string | undefined,
): Promise<{ name: string; images: Buffer[] }> {
  const { packages } = await findPackages(models);
  const model = wanted === undefined ? packages[0] : packages.findLast((one) => one.manifest.name === wanted);
  if (!model) {
    const missing = wanted === undefined ? 'no model' : `no model ${wanted}`;
    throw new UsageError(`There is ${missing} in "${models}". Give the folder and name of a model package.`);
  }
  return { name: model.manifest.name, images: await encodeGolden(model) };
}

export function encodeGolden({
  golden,
  manifest,
}: Pick<ModelPackage, 'golden' | 'manifest'>): Promise<Buffer[]> {
  const { width, height, channels } = manifest.input;
  return Promise.all(
    golden.cases.map(({ pixels }) => {
      const image = sharp(Buffer.from(pixels, 'base64'), { raw: { width, height, channels } });
      return (channels === 1 ? image.toColourspace('b-w') : image).png().toBuffer();
    }),
  );
}
