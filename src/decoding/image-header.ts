// What the header of an image says about it, whatever its format.

export type ImageFormat = 'png' | 'jpeg' | 'webp';

export interface ImageHeader {
  /** In pixels, as stored: an EXIF orientation may still swap the two. */
  readonly width: number;
  readonly height: number;
  /**
   * Whether a decoder that knows neither EXIF, ICC profiles nor animation gets the same pixels as sharp:
   * `yes`; only their luma (`in-grey`), where the two upsample colour differently; or `no`.
   */
  readonly plain: 'yes' | 'in-grey' | 'no';
}
