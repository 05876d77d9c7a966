// Rereads the profiles of a package while it is served. A package with another network is loaded like a new one.

import { CALIBRATION_FILE, readManifest, readProfiles } from '../format/documents.js';
import type { Manifest } from '../format/manifest.js';
import { PackageError } from '../foundation/errors.js';
import { segmentsOf } from '../network/execution-path.js';
import { loadPackageApart } from './load-apart.js';
import type { ModelPackage } from './package.js';
import { MANIFEST_FILE, readInside, readListed } from './package-files.js';
import { isSameNetwork } from './same-network.js';

/** Whether the folder of a served package still contains the same network. @throws PackageError if the manifest is refused */
export async function hasSameNetwork({ directory, manifest }: ModelPackage): Promise<boolean> {
  return isSameNetwork(readManifest(await readInside(directory, MANIFEST_FILE)), manifest);
}

/**
 * The profiles are checked as at the start. The network's files are read again only if new segments are needed.
 * @returns the package with its current profiles, and with all segments that it had
 * @throws PackageError if the profiles cannot be served, or if the network has changed, too
 */
export async function rereadProfiles(served: ModelPackage): Promise<ModelPackage> {
  const { directory } = served;
  const manifest = readManifest(await readInside(directory, MANIFEST_FILE));
  checkSameNetwork(manifest, served.manifest);
  const entry = manifest.files[CALIBRATION_FILE];
  const document = readProfiles(entry && (await readListed(directory, CALIBRATION_FILE, entry)), manifest);
  const has = (from: number, to: number) =>
    served.segments.some((segment) => segment.from === from && segment.to === to);
  const needed = [...document.profiles.values()].flatMap((profile) => segmentsOf(manifest.exits, profile));
  if (needed.every(({ from, to }) => has(from, to))) return { ...served, manifest, ...document };

  const whole = await loadPackageApart(directory);
  checkSameNetwork(whole.manifest, served.manifest);
  const more = whole.segments.filter(({ from, to }) => !has(from, to));
  return { ...whole, segments: [...served.segments, ...more] };
}

function checkSameNetwork(found: Manifest, served: Manifest): void {
  if (!isSameNetwork(found, served)) {
    throw new PackageError(`${MANIFEST_FILE} changed while the package was read.`, { isPassing: true });
  }
}
