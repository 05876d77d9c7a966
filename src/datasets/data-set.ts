// A data set: encoded images with the names of their classes. Neighbour: open-data-set.ts, which opens one.
import type { MediaType } from '../decoding/decode.js';

export interface Sample {
  /** Where it is in its data set, for messages. */
  readonly name: string;
  /** Name of its class; empty where the data set was opened as having none. */
  readonly label: string;
  readonly mediaType: MediaType;
  /** The encoded image. */
  read(): Promise<Uint8Array>;
}

export interface DataSet {
  readonly samples: readonly Sample[];
  /** Identifies images and labels: of the archive, of the pixels and labels, or of all files with their names. */
  readonly sha256: string;
  close(): void;
}
