// Adds exits to a plain network, from the file to the package: candidates, features, heads, the choice of exits, the graph,
// its import, thresholds with certificates. Nothing lies in the models folder before all of it has succeeded.
import { access, constants, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { exactPercent } from '../calibration/statement.js';
import { messageOf, UsageError } from '../foundation/errors.js';
import { version } from '../foundation/version.js';
import { refuseExisting } from '../packages/install.js';
import type { ModelPackage } from '../packages/package.js';
import { type NetworkCache, openNetworkCache } from './cache/network-cache.js';
import { certifyProfiles } from './certify-profiles.js';
import { examine } from './examine.js';
import { type Candidate, findCandidates } from './find-candidates.js';
import type { Findings, Results } from './findings.js';
import { finish, importInto, recordAll } from './make-package.js';
import { observe, observedGraph, rowWidth } from './observe.js';
import { type AddExitsOptions, counted } from './options.js';

export type Outcome = Findings &
  (
    | { readonly kind: 'added'; readonly made: ModelPackage; readonly results: Results }
    /** No package was written. */
    | { readonly kind: 'does-not-pay'; readonly reason: string }
  );

/**
 * @throws UsageError if the images do not do, the output cannot be written to, or the package exists already
 * @throws PackageError if the network has no place for an exit
 */
export async function addExits(options: AddExitsOptions): Promise<Outcome> {
  const { engine, plain, output, force } = options;
  if (!force) await refuseExisting(output, plain.description);
  const candidates = await findCandidates(engine, plain);
  // Whether it can be written to shows before the images take their time.
  await writing(output, async () => {
    await mkdir(output, { recursive: true });
    await access(output, constants.W_OK | constants.X_OK);
  });
  const cache = await openCache(options, candidates);
  try {
    const findings = await examine(options, candidates, cache);
    const { choice } = findings;
    const saving = 1 - (choice.expected.at(-1) ?? 1);
    if (choice.chosen.length === 0 || saving < options.leastSaving) {
      return { ...findings, kind: 'does-not-pay', reason: tooLittle(saving, options) };
    }
    return await makePackage(options, findings, cache);
  } finally {
    await cache.close();
  }
}

async function makePackage(
  options: AddExitsOptions,
  findings: Findings,
  cache: NetworkCache,
): Promise<Outcome> {
  const { output, epsilons, names, delta, seed } = options;
  // Before there is a folder for the package: a process that is killed while images run leaves none behind.
  await runCalibrating(options, findings, cache);
  const workshop = await writing(output, () => mkdtemp(join(output, '.add-exits-')));
  try {
    const staged = await importInto(workshop, findings, options);
    const recording = await recordAll(staged, findings, options, cache.features);
    const limits = epsilons.map((epsilon, index) => ({ name: names[index] ?? '', epsilon, delta }));
    const certified = certifyProfiles(recording, staged.manifest, limits, seed);
    if (certified.every(({ profile }) => profile === undefined)) {
      return { ...findings, kind: 'does-not-pay', reason: nothingCertified(epsilons) };
    }
    const { made, results } = await finish(staged, workshop, { findings, recording, certified }, options);
    return { ...findings, kind: 'added', made, results };
  } finally {
    await rm(workshop, { recursive: true, force: true });
  }
}

async function runCalibrating(
  { engine, decoder, plain, onProgress }: AddExitsOptions,
  { candidates, split: { calibrate } }: Findings,
  { features }: NetworkCache,
): Promise<void> {
  await observe({
    ...{ engine, decoder, plain, candidates, samples: calibrate, features },
    onProgress: counted('images calibrated on', calibrate.length, onProgress),
  });
}

/** What is kept depends on the network, its preprocessing, its candidates and, for times, on the machine. */
function openCache(
  { engine, plain, cache, samples, apart = [] }: AddExitsOptions,
  candidates: readonly Candidate[],
): Promise<NetworkCache> {
  const described = [version, engine.name, cpus()[0]?.model, plain.input, plain.description.classes];
  return openNetworkCache({
    folder: cache,
    of: [JSON.stringify(described), observedGraph(plain, candidates).graph],
    width: rowWidth(candidates, plain.description.classes.length),
    images: samples.length + apart.length,
  });
}

function nothingCertified(epsilons: readonly number[]): string {
  return (
    `Nothing is certified with at most ${epsilons.map(exactPercent).join(', ')} of answers changed: already the first ` +
    'step away from the plain network fails its test. More images or a larger --epsilon would help.'
  );
}

function tooLittle(saving: number, { epsilons, leastSaving }: AddExitsOptions): string {
  const epsilon = epsilons.at(-1) ?? 0;
  return (
    `It does not pay: with at most ${exactPercent(epsilon)} of answers changed, exits are expected to save ` +
    `${Math.max(0, 100 * saving).toFixed(1)} % of the time on this machine, less than the ${exactPercent(leastSaving)} asked for. ` +
    'Exits pay where a network is sure of most images long before its end; this one is not, on these images.'
  );
}

async function writing<Result>(output: string, task: () => Promise<Result>): Promise<Result> {
  try {
    return await task();
  } catch (error) {
    throw new UsageError(`"${output}" cannot be written to: ${messageOf(error)}.`, { cause: error });
  }
}
