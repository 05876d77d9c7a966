// Images of Pillow's that are not read as Pillow reads them, and why; docs/images.md has the same in a table, which
// compare.ts holds to this.

export const documented: readonly { readonly reason: string; readonly files: readonly string[] }[] = [
  {
    reason: 'colours are managed here: the ICC profile is applied',
    files: ['icc_profile_big.jpg', 'pil_sample_cmyk.jpg'],
  },
  {
    reason: 'its orientation is in XMP or in text, where viewers do not look either; here only EXIF counts',
    files: [
      'exif_imagemagick_orientation.png',
      'xmp_tags_orientation.png',
      'xmp_tags_orientation_exiftool.png',
    ],
  },
  {
    reason: 'its coded data is damaged: 1,214 bytes too many before the first restart marker',
    files: ['hopper_bad_exif.jpg'],
  },
  {
    reason:
      'Pillow refuses it; its defects do not affect the pixels, and large text is removed before decoding',
    files: [
      'apng/chunk_no_fctl.png',
      'png_decompression_dos.png',
      'truncated_end_chunk.png',
      'unknown_compression_method.png',
    ],
  },
];
