// What adding exits is told: the network, the images, the limits, and where the package goes.
import type { Decoder } from '../decoding/decode.js';
import type { Engine } from '../engines/engine.js';
import type { ModelPackage } from '../packages/package.js';
import type { PlainNetwork } from './plain-network.js';
import type { HashedSample } from './split.js';

export interface AddExitsOptions {
  readonly plain: PlainNetwork;
  /** An older version of the package, to compare with. */
  readonly before?: ModelPackage;
  /** The models folder. */
  readonly output: string;
  readonly force: boolean;
  readonly engine: Engine;
  readonly decoder: Decoder;
  /** No two of them, nor of `apart`, are the same image. */
  readonly samples: readonly HashedSample[];
  /** Images for fitting alone; otherwise a part of `samples` is. */
  readonly apart?: readonly HashedSample[];
  /** Identifies all images. */
  readonly dataSha256: string;
  /** Limits on the share of answers that may differ, ascending. */
  readonly epsilons: readonly number[];
  /** Of the profiles, one for each limit. */
  readonly names: readonly string[];
  readonly delta: number;
  readonly mostExits: number;
  /** The share of the network's time that has to be saved at the largest ε. */
  readonly leastSaving: number;
  readonly seed: number;
  /** Folder of what takes long, for later runs; undefined: nothing is kept. */
  readonly cache: string | undefined;
  /** Called with what is being done, and how many images of how many it is done for. */
  readonly onProgress: (step: string, done: number, of: number) => void;
}

/** From images done since the last call to images done. */
export function counted(
  step: string,
  of: number,
  onProgress: AddExitsOptions['onProgress'],
): (images: number) => void {
  let done = 0;
  return (images) => {
    done += images;
    onProgress(step, done, of);
  };
}
