// What a profile takes on this machine against the whole network: the cascade itself, as the server's workers run it.
import { fastestOf } from '../../calibration/fastest.js';
import { runCascade } from '../../cascade/cascade.js';
import { createImageTensor } from '../../cascade/image-tensor.js';
import { loadSegments, segmentKey } from '../../cascade/self-check.js';
import type { Engine, Segment } from '../../engines/engine.js';
import type { Profile } from '../../format/profiles.js';
import { monotonicSeconds } from '../../foundation/clock.js';
import { invariant } from '../../foundation/errors.js';
import { buildPath } from '../../network/execution-path.js';
import type { ModelPackage } from '../../packages/package.js';

/** As many images as the server takes together under load. */
const BATCH = 8;
const ROUNDS = { fewest: 3, most: 30, seconds: 4 };

/**
 * @param pixels of images, uint8 [height, width, channels] each
 * @returns by profile, seconds for an image; each is the fastest of some rounds over all of them, in turn
 */
export async function measureProfiles(
  engine: Engine,
  model: ModelPackage,
  pixels: readonly Uint8Array[],
): Promise<ReadonlyMap<string, number>> {
  const { manifest, profiles } = model;
  const id = `${manifest.name}/${manifest.version}`;
  const loaded = await loadSegments(engine, { id, ...model });
  const toTensor = createImageTensor(manifest.input, engine.imageLayout);
  const batches = Array.from({ length: Math.ceil(pixels.length / BATCH) }, (_, index) => {
    const batch = pixels.slice(index * BATCH, (index + 1) * BATCH);
    return { images: toTensor(Buffer.concat(batch)), batch: batch.length };
  });
  const tasks = [...profiles.values()].map((profile) => async () => {
    for (const { images, batch } of batches) await drain(model, profile, loaded, images, batch);
  });
  try {
    const seconds = await fastestOf(tasks, ROUNDS);
    return new Map(
      [...profiles.keys()].map((name, index) => [name, (seconds[index] as number) / pixels.length]),
    );
  } finally {
    await Promise.all([...loaded.values()].map((segment) => segment.release()));
  }
}

async function drain(
  { manifest }: ModelPackage,
  profile: Profile,
  loaded: ReadonlyMap<string, Segment>,
  images: Float32Array,
  batch: number,
): Promise<void> {
  const cascade = runCascade({
    path: buildPath(manifest.exits, profile),
    segmentOf: ({ from, exit }) => {
      const segment = loaded.get(segmentKey(from, exit));
      invariant(segment, 'a package has the segments of its profiles');
      return segment;
    },
    policy: profile.policy,
    finalExit: manifest.exits.length - 1,
    images,
    batch,
    deadlineOf: () => Number.POSITIVE_INFINITY,
    isCancelled: () => false,
    now: monotonicSeconds,
  });
  for await (const _progress of cascade);
}
