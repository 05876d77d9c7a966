// Named presets of common preprocessing.
import type { ModelInput } from '../../format/manifest.js';

type Preset = Pick<ModelInput, 'mean' | 'std' | 'resize'>;

const presets: Readonly<Record<string, (channels: number) => Preset>> = {
  imagenet: () => ({ mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], resize: 'cover' }),
  cifar10: () => ({ mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616], resize: 'fill' }),
  mnist: () => ({ mean: [0.1307], std: [0.3081], resize: 'fill' }),
  /** Values from 0 to 1. */
  unit: (channels) => alike(channels, 0, 1),
  /** Values from −1 to 1. */
  symmetric: (channels) => alike(channels, 0.5, 0.5),
  /** Values from 0 to 255. */
  pixels: (channels) => alike(channels, 0, 1 / 255),
};

export const presetNames = Object.keys(presets);

/** @returns undefined if there is no such preset, or if it has another number of channels */
export function presetOf(name: string, channels: number): Preset | undefined {
  const preset = Object.hasOwn(presets, name) ? presets[name]?.(channels) : undefined;
  return preset?.mean.length === channels ? preset : undefined;
}

function alike(channels: number, mean: number, std: number): Preset {
  const each = (value: number): number[] => new Array<number>(channels).fill(value);
  return { mean: each(mean), std: each(std), resize: 'fill' };
}
