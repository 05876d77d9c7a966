// Counts the images in progress on each network, so that a network that is served no more is released after its last one.

export interface Usage {
  /** Call before an image of this network is decoded, or audited. */
  begin(network: string): void;
  /** Call once for every `begin`. */
  end(network: string): void;
  /** Resolves when no image is in progress on the network. */
  over(network: string): Promise<void>;
}

export function createUsage(): Usage {
  /** By the network's id; without those that have no image in progress. */
  const images = new Map<string, number>();
  const waiting = new Map<string, () => void>();
  return {
    begin(network) {
      images.set(network, (images.get(network) ?? 0) + 1);
    },
    end(network) {
      const left = (images.get(network) ?? 0) - 1;
      if (left > 0) {
        images.set(network, left);
        return;
      }
      images.delete(network);
      waiting.get(network)?.();
      waiting.delete(network);
    },
    over(network) {
      if (!images.has(network)) return Promise.resolve();
      return new Promise((resolve) => {
        waiting.set(network, resolve);
      });
    },
  };
}
