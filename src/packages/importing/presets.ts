// Preprocessing that many networks share, by name.
import type { ModelInput } from '../../format/manifest.js';

type Preset = Pick<ModelInput, 'mean' | 'std' | 'resize'>;

const presets: Readonly<Record<string, Preset>> = {
  imagenet: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], resize: 'cover' },
  cifar10: { mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616], resize: 'fill' },
  mnist: { mean: [0.1307], std: [0.3081], resize: 'fill' },
  /** Values from 0 to 1. */
  unit: { mean: [0], std: [1], resize: 'fill' },
  /** Values from −1 to 1. */
  symmetric: { mean: [0.5], std: [0.5], resize: 'fill' },
  /** Values from 0 to 255. */
  pixels: { mean: [0], std: [1 / 255], resize: 'fill' },
};

export const presetNames = Object.keys(presets);

/** @returns undefined if there is no such preset, or none for as many channels. */
export function presetOf(name: string, channels: number): Preset | undefined {
  const preset = Object.hasOwn(presets, name) ? presets[name] : undefined;
  if (!preset) return undefined;
  if (preset.mean.length === channels) return preset;
  const [mean, std] = [preset.mean[0], preset.std[0]];
  if (preset.mean.length !== 1 || mean === undefined || std === undefined) return undefined;
  return {
    ...preset,
    mean: new Array<number>(channels).fill(mean),
    std: new Array<number>(channels).fill(std),
  };
}
