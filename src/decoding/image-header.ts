// The properties of an image that its header gives, the same for all formats.

export type ImageFormat = 'png' | 'jpeg' | 'webp';

export interface ImageHeader {
  /** In pixels, as stored, before an EXIF orientation is applied, which may swap the two. */
  readonly width: number;
  readonly height: number;
  /**
   * Whether a decoder without EXIF, ICC profiles and animation gives the same pixels as sharp. `in-grey`: only the
   * luma is the same, because the decoders upsample chroma differently.
   */
  readonly plain: 'yes' | 'in-grey' | 'no';
  /** Upper bound of the memory in bytes that sharp takes to decode and reduce the image. */
  readonly decodingBytes: number;
  /** The kind of the image, if no decoder here reads this kind. */
  readonly unreadable?: string | undefined;
  /** If true, sharp must not reduce the image while it loads it, because that fails for this kind of image. */
  readonly loadWhole?: boolean | undefined;
}

/**
 * Rows that libvips holds at a time while it reduces an image, over all steps. Measured as peak resident memory: 990
 * rows of RGB and 1,150 of RGBA, on images that are 6,000 to 65,535 pixels wide.
 */
const ROWS_IN_WORK = 1200;

/** Bytes of the rows that libvips holds of an image that is decoded from top to bottom. */
export function rowBytes(width: number, bytesPerPixel: number): number {
  return ROWS_IN_WORK * width * bytesPerPixel;
}
