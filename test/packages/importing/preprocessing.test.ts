// What a network was trained with: presets, and the files that Hugging Face and timm write.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readPreprocessing } from '../../../src/packages/importing/preprocessing-file.js';
import { presetNames, presetOf } from '../../../src/packages/importing/presets.js';

const square = { height: 224, width: 224, channels: 3 };
const half = [0.5, 0.5, 0.5];

function read(document: unknown, image = square) {
  return readPreprocessing({ file: 'cfg.json', text: JSON.stringify(document) }, image);
}

describe('presets', () => {
  it('are for the size of the image', () => {
    assert.deepEqual(presetOf('imagenet', square)?.resize, { shorterSide: 256 });
    assert.deepEqual(presetOf('timm', { ...square, height: 288, width: 288 })?.resize, { shorterSide: 329 });
    assert.deepEqual(presetOf('clip', square)?.resize, { shorterSide: 224 });
  });

  it('of colours are none for grey, others are for both', () => {
    const grey = presetNames.filter((name) => presetOf(name, { ...square, channels: 1 }));
    assert.deepEqual(grey, ['keras-tf', 'keras-pixels', 'mnist', 'unit', 'symmetric', 'pixels']);
  });

  it('of Keras scale as its preprocess_input does', () => {
    const caffe = presetOf('keras-caffe', square);
    assert.deepEqual([caffe?.channelOrder, caffe?.range, caffe?.mean[0]], ['bgr', [0, 255], 103.939]);
    assert.deepEqual(presetOf('keras-tf', square)?.range, [-1, 1]);
    assert.deepEqual(presetOf('keras-torch', square)?.std, [0.229, 0.224, 0.225]);
  });
});

describe('timm’s pretrained_cfg', () => {
  // As timm 1.0 writes it for vit_base_patch16_224, without what says nothing about images.
  const cfg = {
    input_size: [3, 224, 224],
    interpolation: 'bicubic',
    crop_pct: 0.9,
    crop_mode: 'center',
    mean: half,
    std: half,
  };

  it('is read by itself and from a config.json', () => {
    const expected = {
      ...{ mean: half, std: half, resize: { shorterSide: 248 } },
      ...{ interpolation: 'bicubic', colourProfile: 'ignore' },
    };
    assert.deepEqual(read(cfg), expected);
    assert.deepEqual(read({ architecture: 'vit', num_classes: 10, pretrained_cfg: cfg }), expected);
  });

  it('squashes, and counts for the size that was exported', () => {
    assert.deepEqual(read({ ...cfg, crop_mode: 'squash', crop_pct: 1 }).resize, { height: 224, width: 224 });
    assert.deepEqual(read(cfg, { ...square, height: 384, width: 384 }).resize, { shorterSide: 426 });
  });

  it('is refused where it says what cannot be done', () => {
    assert.throws(
      () => read({ ...cfg, crop_mode: 'border' }),
      /cfg\.json: "crop_mode" is "border", but must be/,
    );
    assert.throws(
      () => read({ ...cfg, interpolation: 'random' }),
      /"interpolation" is "random", but must be nearest, /,
    );
    assert.throws(() => read({ ...cfg, crop_pct: 0 }), /"crop_pct" is 0/);
    assert.throws(() => read({ ...cfg, mean: 'x' }), /"mean" is "x", but must be a list of numbers/);
    assert.throws(
      () => read(cfg, { ...square, channels: 1 }),
      /3 values of mean, but the image has 1 channels/,
    );
    assert.throws(() => read(cfg, { ...square, height: 192 }), /not square: 192 × 224/);
  });
});

describe('Hugging Face’s preprocessor_config.json', () => {
  const vit = {
    image_processor_type: 'ViTImageProcessor',
    ...{ do_resize: true, size: { height: 224, width: 224 }, resample: 2 },
    ...{ do_rescale: true, rescale_factor: 1 / 255 },
    ...{ do_normalize: true, image_mean: half, image_std: half },
  };
  const clip = {
    ...{ ...vit, image_processor_type: 'CLIPImageProcessor', resample: 3 },
    ...{ size: { shortest_edge: 224 }, do_center_crop: true, crop_size: { height: 224, width: 224 } },
  };

  it('of ViT: to an exact size', () => {
    const said = {
      mean: half,
      std: half,
      resize: 'fill',
      interpolation: 'bilinear',
      colourProfile: 'ignore',
    };
    assert.deepEqual(read(vit), said);
  });

  it('of CLIP: by the shorter side, then cropped; sizes of old files, too', () => {
    const said = { resize: { shorterSide: 224 }, crop: 'centre-floor', interpolation: 'bicubic' };
    for (const config of [clip, { ...clip, size: 224, crop_size: 224 }]) {
      const { resize, crop, interpolation } = read(config);
      assert.deepEqual({ resize, crop, interpolation }, said);
    }
  });

  it('of DeiT: to an exact size, then cropped', () => {
    const deit = { ...clip, image_processor_type: 'DeiTImageProcessor', size: 256 };
    assert.deepEqual(read(deit).resize, { height: 256, width: 256 });
  });

  it('of ConvNeXT: cropped below 384 only', () => {
    const convnext = { ...vit, image_processor_type: 'ConvNextImageProcessor', crop_pct: 0.875 };
    assert.deepEqual(read({ ...convnext, size: { shortest_edge: 224 } }).resize, { shorterSide: 256 });
    const large = { ...square, height: 384, width: 384 };
    assert.equal(read({ ...convnext, size: { shortest_edge: 384 } }, large).resize, 'fill');
  });

  it('with channels the other way, without a scale, or without mean and std', () => {
    const mobile = read({ ...vit, do_flip_channel_order: true, do_normalize: false });
    assert.deepEqual([mobile.channelOrder, mobile.mean, mobile.std], ['bgr', [0, 0, 0], [1, 1, 1]]);
    assert.deepEqual(read({ ...vit, do_rescale: false }).range, [0, 255]);
  });

  it('is refused where it says too little, or what cannot be done', () => {
    assert.throws(() => read({ ...vit, resample: undefined }), /cfg\.json: "resample" is missing/);
    assert.throws(() => read({ ...vit, resample: 4 }), /"resample" is 4; of Pillow’s filters only/);
    assert.throws(() => read({ ...vit, do_pad: true }), /"do_pad" is true, which cannot be done here/);
    assert.throws(
      () => read({ ...vit, size: 224, image_processor_type: 'Own' }),
      /"size" is 224, without saying of what/,
    );
    assert.throws(() => read({ ...clip, do_center_crop: false }), /"do_center_crop" is not true/);
    assert.throws(
      () => read(vit, { ...square, height: 256 }),
      /makes images of 224 × 224, but the network takes 256 × 224/,
    );
    const file = { file: 'cfg.json', text: 'resize: 224' };
    assert.throws(() => readPreprocessing(file, square), {
      name: 'UsageError',
      message: /"cfg\.json" is not JSON/,
    });
  });
});
