// Named presets of common preprocessing. preprocessing-file.ts reads files that state it instead.
import type { Description } from '../../format/description.js';

export type Preprocessing = Omit<
  Description['input'],
  'layout' | 'height' | 'width' | 'channels' | 'background'
>;

/** The image as the graph takes it. */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Cropped part of the resized image's side: 224 of 256 pixels, and as much for other sizes; timm's default, too. */
export const USUAL_CROP = 0.875;

const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const clip = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
};
/** Pillow and TensorFlow do so. */
const ignore = { colourProfile: 'ignore' } as const;
/** Defaults of image_dataset_from_directory and of the layer Resizing. */
const keras = { resize: 'fill', interpolation: 'bilinear', antialias: false, ...ignore } as const;

const presets: Readonly<Record<string, (image: ImageShape) => Preprocessing>> = {
  imagenet: (image) => ({ ...imagenet, ...cropped(image, USUAL_CROP), interpolation: 'bilinear', ...ignore }),
  timm: (image) => ({ ...imagenet, ...cropped(image, USUAL_CROP), interpolation: 'bicubic', ...ignore }),
  clip: (image) => ({ ...clip, ...cropped(image, 1), interpolation: 'bicubic', ...ignore }),
  /** VGG, ResNet. */
  'keras-caffe': () => ({
    ...{ channelOrder: 'bgr', range: [0, 255], mean: [103.939, 116.779, 123.68], std: [1, 1, 1], ...keras },
  }),
  /** MobileNet, Inception, Xception, ResNetV2, NASNet. */
  'keras-tf': ({ channels }) => ({ range: [-1, 1], ...alike(channels, 0, 1), ...keras }),
  /** DenseNet. */
  'keras-torch': () => ({ ...imagenet, ...keras }),
  /** EfficientNet, MobileNetV3, ConvNeXt: the graph itself scales the values. */
  'keras-pixels': ({ channels }) => ({ range: [0, 255], ...alike(channels, 0, 1), ...keras }),
  cifar10: () => ({ mean: [0.4914, 0.4822, 0.4465], std: [0.247, 0.2435, 0.2616], resize: 'fill' }),
  mnist: () => ({ mean: [0.1307], std: [0.3081], resize: 'fill' }),
  /** Values from 0 to 1. */
  unit: ({ channels }) => ({ ...alike(channels, 0, 1), resize: 'fill' }),
  /** Values from −1 to 1. */
  symmetric: ({ channels }) => ({ ...alike(channels, 0.5, 0.5), resize: 'fill' }),
  /** Values from 0 to 255. */
  pixels: ({ channels }) => ({ ...alike(channels, 0, 1 / 255), resize: 'fill' }),
};

export const presetNames = Object.keys(presets);

/** @returns undefined if there is no such preset, or if it has another number of channels */
export function presetOf(name: string, image: ImageShape): Preprocessing | undefined {
  const preset = Object.hasOwn(presets, name) ? presets[name]?.(image) : undefined;
  return preset?.mean.length === image.channels ? preset : undefined;
}

/** Resizes so that the image, cropped from the result, is this part of it; computed as in timm. */
export function cropped({ height, width }: ImageShape, part: number): Pick<Preprocessing, 'resize' | 'crop'> {
  const [whole, across] = [Math.floor(height / part), Math.floor(width / part)];
  return { resize: whole === across ? { shorterSide: whole } : { height: whole, width: across } };
}

function alike(channels: number, mean: number, std: number): Pick<Preprocessing, 'mean' | 'std'> {
  const each = (value: number): number[] => new Array<number>(channels).fill(value);
  return { mean: each(mean), std: each(std) };
}
