// The package that is refreshed: what it promises, the name of the version after it, and the network without its exits.
import type { Engine } from '../../engines/engine.js';
import { GRAPH_FILE } from '../../format/documents.js';
import { EXAMPLES_FOLDER } from '../../format/expectation.js';
import { PackageError, UsageError } from '../../foundation/errors.js';
import { extractSegment } from '../../network/segments.js';
import { takeIn } from '../../packages/importing/take-in.js';
import { type ModelPackage, readNetwork } from '../../packages/package.js';
import { readInside } from '../../packages/package-files.js';
import type { Limit } from '../certify-profiles.js';
import type { PlainNetwork } from '../plain-network.js';

/**
 * The limits of profiles that promise nothing but how many answers change, ascending.
 * @throws UsageError if there is none
 */
export function limitsOf({ manifest, profiles }: ModelPackage): Limit[] {
  const limits = [...profiles].flatMap(([name, { certificate }]): Limit[] => {
    const { risks = [], delta = 0, flops } = certificate?.certificate ?? {};
    const [risk, ...others] = risks;
    if (!risk || others.length > 0 || flops?.budget !== undefined) return [];
    if (risk.loss !== 'consistency' || risk.data === 'adversarial') return [];
    return [{ name, epsilon: risk.epsilon, delta }];
  });
  if (limits.length > 0) return limits.sort((a, b) => a.epsilon - b.epsilon);
  throw new UsageError(
    `${manifest.name}/${manifest.version} has no profile that promises how many answers change and nothing else. ` +
      '`rdi-serve calibrate` certifies profiles with other promises.',
  );
}

/** @throws UsageError if the version is no whole number */
export function versionAfter({ manifest: { name, version } }: ModelPackage): string {
  if (/^\d{1,15}$/.test(version)) return `${Number(version) + 1}`;
  throw new UsageError(`What comes after ${name}/${version}? Give --model-version.`);
}

/** @throws PackageError if it cannot be taken out of the package */
export async function backboneOf(
  engine: Engine,
  { manifest, directory, examples }: ModelPackage,
  version: string,
): Promise<PlainNetwork> {
  const { name, description, licence, classes, input, exits, expects } = manifest;
  const network = readNetwork(await readInside(directory, GRAPH_FILE), manifest);
  const { graph, logits } = extractSegment(network, { from: -1, to: exits.length - 1 });
  const { tensor, ...preprocessing } = input;
  const { exits: _added, refreshed: _certified, ...provenance } = manifest.provenance;
  const final = exits.at(-1);
  if (!final || exits.length < 2) {
    throw new PackageError(`${name}/${manifest.version} has one exit; \`rdi-serve add-exits\` adds more.`);
  }
  const described = {
    ...{ name, version, description, licence, classes, tensor, provenance },
    input: preprocessing,
    ...(expects !== undefined && { expects }),
    ...(manifest.examples && { examples: manifest.examples }),
    exits: [{ name: final.name, logits }],
  };
  return {
    ...(await takeIn(engine, graph, described)),
    description: described,
    examples: new Map(examples.map(({ file, bytes }) => [`${EXAMPLES_FOLDER}/${file}`, bytes])),
  };
}
