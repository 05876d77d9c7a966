// How much engine time an image of a network takes at present: a moving average over recent calls, in which images that
// leave early and images that share a call count with what they really took.
import type { Network } from '../network/network.js';

export interface EngineTime {
  /** Counts one engine call. */
  called(network: Network, seconds: number): void;
  /** Counts images that have left. */
  left(network: Network, images: number): void;
  /** Seconds of one image; undefined: no image has left yet. */
  perImage(network: Network): number | undefined;
}

/** Weight that the past keeps when an image leaves: the average covers about the last 200 images. */
const KEPT = 0.995;

export function createEngineTime(): EngineTime {
  /** A network that is no longer served takes its average with it. */
  const totals = new WeakMap<Network, { seconds: number; images: number }>();

  function totalOf(network: Network): { seconds: number; images: number } {
    const total = totals.get(network) ?? { seconds: 0, images: 0 };
    totals.set(network, total);
    return total;
  }

  return {
    called(network, seconds) {
      totalOf(network).seconds += seconds;
    },
    left(network, images) {
      const total = totalOf(network);
      const kept = KEPT ** images;
      total.seconds *= kept;
      total.images = total.images * kept + images;
    },
    perImage(network) {
      const { seconds, images } = totalOf(network);
      return images === 0 ? undefined : seconds / images;
    },
  };
}
