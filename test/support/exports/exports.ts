// Small networks as exporters wrote them, with random weights: torch.onnx.export of torchvision's ViT and ConvNeXt, and
// jax2onnx of a Flax network, each with a head added. 32 × 32 RGB images, ten classes.
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Description } from '../../../src/format/description.js';

export interface Export {
  readonly tensor: string;
  readonly exits: Description['exits'];
}

export const exportsOf = {
  'vit-tiny': {
    tensor: 'x',
    exits: [
      { name: 'side', logits: 'linear_4', cut: 'add_2' },
      { name: 'final', logits: 'linear_13' },
    ],
  },
  'convnext-tiny': {
    tensor: 'x',
    exits: [
      { name: 'side', logits: 'linear_2', cut: 'add_10' },
      { name: 'final', logits: 'linear_5' },
    ],
  },
  'flax-nhwc': {
    tensor: 'in_0',
    exits: [
      { name: 'side', logits: 'out_0', cut: 'relu_out_0' },
      { name: 'final', logits: 'out_1' },
    ],
  },
} as const satisfies Record<string, Export>;

export function fileOf(name: string): string {
  return join('test', 'support', 'exports', `${name}.onnx`);
}

export function describeExport(name: string, { tensor, exits }: Export): Description {
  return {
    ...{ name, version: '1', description: 'For tests.', licence: 'Apache-2.0' },
    classes: Array.from({ length: 10 }, (_, index) => `class ${index}`),
    tensor,
    input: {
      ...{ height: 32, width: 32, channels: 3, resize: 'fill' },
      ...{ mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.25] },
    },
    exits: [...exits],
    provenance: {},
  };
}

/** Writes what `rdi-serve import` takes. */
export async function writeExport(directory: string, description: Description, file: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await copyFile(file, join(directory, 'model.onnx'));
  await writeFile(join(directory, 'description.json'), JSON.stringify(description));
}
