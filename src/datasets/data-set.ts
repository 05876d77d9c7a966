// A data set: encoded images with the names of their classes. open-data-set.ts opens one.
import type { MediaType } from '../decoding/media-types.js';

export interface Sample {
  /** Its place in the data set, for messages. */
  readonly name: string;
  /** Name of its class; empty if it has none, or the data set was opened without labels. */
  readonly label: string;
  readonly mediaType: MediaType;
  /** The encoded image. */
  read(): Promise<Uint8Array>;
}

/** Whether labels are read: always, never, or where there are some. */
export type Labelled = boolean | 'optional';

export interface DataSet {
  readonly samples: readonly Sample[];
  /** Hash of images and labels: of the zip file, of the pixels and labels (IDX), or of all files with their names. */
  readonly sha256: string;
  close(): void;
}
