// What every exit said about every image of a data set, recorded once: all that choosing and testing
// thresholds ever looks at.

export interface Recording {
  /** `name/version`. */
  readonly model: string;
  /** SHA-256 of model.onnx. */
  readonly modelSha256: string;
  /** What certificate.ts hashes of the manifest: preprocessing, exits and classes. */
  readonly describedSha256: string;
  /** SHA-256 of the pixels and labels, in order. */
  readonly dataSha256: string;
  readonly images: number;
  readonly exits: number;
  readonly classes: number;
  /** [images, exits, classes], row-major. */
  readonly logits: Float32Array;
  /** The true class of each image, where known. */
  readonly truth?: Int32Array;
}
