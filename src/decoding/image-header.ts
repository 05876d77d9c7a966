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
  /** Bytes of memory that sharp takes at most to decode and reduce it: what it holds whole, and its rows in work. */
  readonly decodingBytes: number;
  /** What it is, if that is something that no decoder here reads. */
  readonly unreadable?: string | undefined;
  /** True if sharp may not leave out detail while it loads the image: its way to do so goes wrong with this one. */
  readonly loadWhole?: boolean | undefined;
}

/**
 * Rows that libvips has in work at a time while it reduces an image, in all its steps together. Measured, as the peak
 * of resident memory: 990 of RGB, 1,150 of RGBA, on images 6,000 to 65,535 pixels wide.
 */
const ROWS_IN_WORK = 1200;

/** Bytes of the rows in work of an image that is decoded from top to bottom. */
export function rowBytes(width: number, bytesPerPixel: number): number {
  return ROWS_IN_WORK * width * bytesPerPixel;
}
