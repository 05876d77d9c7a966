// Loads the packages of a models folder. A refused package does not affect the others.
import { join } from 'node:path';
import { messageOf, UsageError } from '../foundation/errors.js';
import { namesIn, type Survey, surveyModels, versionsIn } from './models-folder/survey.js';
import { loadPackage, type ModelPackage } from './package.js';

export interface RefusedPackage {
  readonly name: string;
  /** `*`: unknown, because the folder of the name cannot be read. */
  readonly version: string;
  readonly reason: string;
}

/** The reasons of all refusals, to append to a sentence; empty if there are none. */
export function reasonsOf(refused: readonly RefusedPackage[]): string {
  return refused.map(({ name, version, reason }) => ` ${name}/${version}: ${reason}`).join('');
}

export interface FoundPackages {
  /** Sorted by name and then by version, the newest last. */
  readonly packages: ModelPackage[];
  /** In the same order. */
  readonly refused: RefusedPackage[];
  /** The folder before its packages were read. */
  readonly survey: Survey;
}

/** @throws UsageError if there is no such folder. */
export async function findPackages(modelsDirectory: string): Promise<FoundPackages> {
  const survey = await surveyModels(modelsDirectory);
  const found: FoundPackages = { packages: [], refused: [], survey };
  for (const { name, version, directory } of survey.versions.values()) {
    try {
      found.packages.push(await loadPackage(directory));
    } catch (error) {
      found.refused.push({ name, version, reason: messageOf(error) });
    }
  }
  for (const [name, reason] of survey.unreadable) found.refused.push({ name, version: '*', reason });
  return found;
}

/**
 * Loads one package. Others in the folder may be damaged.
 * @param version undefined: the newest
 * @throws UsageError if there is no such package; PackageError if it is refused or its folder cannot be read
 */
export async function findPackage(
  modelsDirectory: string,
  name: string,
  version: string | undefined,
): Promise<ModelPackage> {
  const names = await namesIn(modelsDirectory);
  const versions = names.includes(name) ? await versionsIn(join(modelsDirectory, name)) : [];
  const wanted = version ?? versions.at(-1);
  if (wanted === undefined || !versions.includes(wanted)) {
    const missing = version === undefined ? name : `${name}/${version}`;
    throw new UsageError(
      `There is no ${missing} in "${modelsDirectory}"; the models there: ${names.join(', ')}.`,
    );
  }
  return loadPackage(join(modelsDirectory, name, wanted));
}
