// The subject of an evaluation: a model in this process or on a running server. Both have the same interface, so the
// report does not depend on which of them is used.
import Type from 'typebox';
import type { Sample } from '../datasets/data-set.js';
import type { Manifest } from '../format/manifest.js';
import { Reason } from '../serving/prediction.js';

/** An image that has been read, with its name and media type. */
export interface LoadedSample extends Pick<Sample, 'name' | 'mediaType'> {
  readonly bytes: Uint8Array;
}

/** The parts of a prediction that are evaluated. */
export const Answered = Type.Object({
  classIndex: Type.Integer(),
  exit: Type.Object({ index: Type.Integer(), reason: Reason }),
  flops: Type.Object({ executed: Type.Number() }),
});
export type Answered = Type.Static<typeof Answered>;

export interface SubjectModel {
  readonly name: string;
  readonly version: string;
  readonly engine: { readonly name: string; readonly device: string };
  readonly classes: readonly string[];
  /** Names of the exits, in order. */
  readonly exits: readonly string[];
  /** Names of the profiles. */
  readonly profiles: readonly string[];
  /** By profile: the mean FLOPs that its valid certificate states. Other profiles are missing. */
  readonly certifiedFlops: ReadonlyMap<string, number>;
  readonly defaultProfile: string;
  /** FLOPs of the backbone with only its final exit. */
  readonly fullFlops: number;
  /** Package files with their sha256; undefined for a remote server, where they are not visible. */
  readonly files: Manifest['files'] | undefined;
}

export interface Subject {
  readonly model: SubjectModel;
  /** @throws UsageError that names the image, if the answer is not a prediction */
  classify(sample: LoadedSample, profile: string): Promise<Answered>;
  /** The service's own metrics, in the Prometheus text format. */
  metrics(): Promise<string>;
  close(): Promise<void>;
}

/** `name` or `name/version`. */
export interface ModelName {
  readonly name: string;
  readonly version?: string;
}

export function parseModelName(text: string): ModelName {
  const [name = '', version, ...rest] = text.split('/');
  return version === undefined ? { name } : { name, version: [version, ...rest].join('/') };
}
