// The logits of every exit for every image of a data set. Choosing and testing thresholds needs nothing else.

export interface Recording {
  /** `name/version`. */
  readonly model: string;
  /** SHA-256 of model.onnx. */
  readonly modelSha256: string;
  /** Hash of the manifest's preprocessing, exits and classes; see format/certificate.ts. */
  readonly describedSha256: string;
  /** SHA-256 of the pixels and labels, in order. */
  readonly dataSha256: string;
  readonly images: number;
  readonly exits: number;
  readonly classes: number;
  /** [images, exits, classes], row-major. */
  readonly logits: Float32Array;
  /** The true class of each image, if known. */
  readonly truth?: Int32Array;
}
