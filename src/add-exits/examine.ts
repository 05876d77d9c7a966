// Everything that is decided on the images for fitting: the heads, and which of them become exits.
import { createHash } from 'node:crypto';
import type { Description } from '../format/description.js';
import { UsageError } from '../foundation/errors.js';
import { noteOnLabels } from './accuracy.js';
import type { NetworkCache } from './cache/network-cache.js';
import { chooseExits } from './choose-exits.js';
import type { Candidate } from './find-candidates.js';
import type { Findings } from './findings.js';
import type { LinearHead } from './heads/exit-graph.js';
import { answersOf, type FittedHead, fitHead, refitHead } from './heads/fit-heads.js';
import { decodeFitted, decodeHead, encodeFitted, encodeHead } from './heads/kept-heads.js';
import { type Rows, rowsBetween } from './heads/linear-products.js';
import { mostImages, type Observations, observe, readObservations } from './observe.js';
import { type AddExitsOptions, counted } from './options.js';
import { type HashedSample, type Split, splitSamples } from './split.js';
import { measureTimes } from './times/measure-times.js';

/** @throws UsageError if there are too few images, one cannot be used, or the network answers all of them alike */
export async function examine(
  options: AddExitsOptions,
  candidates: readonly Candidate[],
  cache: NetworkCache,
): Promise<Findings> {
  const { engine, decoder, plain, samples, apart, epsilons, delta, mostExits, onProgress } = options;
  const classes = plain.description.classes.length;
  const split = splitSamples(samples, apart, { ...options, most: mostImages(candidates, classes) });
  const fitting = [...split.fit, ...split.choose];
  await observe({
    ...{ engine, decoder, plain, candidates, samples: fitting, features: cache.features },
    onProgress: counted('images through the network', fitting.length, onProgress),
  });
  const observed = await readObservations(cache.features, fitting, candidates, classes);
  const notes = [
    ...plain.notes,
    ...refuseOneAnswer(observed.logits, plain.description),
    ...noteOnLabels(split.calibrate, plain.description.classes),
  ];
  const { heads, refit } = await fitHeads(options, cache, split, observed);
  const times = await cache.kept('times', () => measureTimes(engine, plain, candidates));
  const choice = chooseExits({
    candidates: heads.map((head) => head.logits),
    final: rowsBetween(observed.logits, split.fit.length, fitting.length).values,
    ...{ classes, times, epsilons, delta, mostExits },
  });
  const final: LinearHead[] = [];
  for (const index of choice.chosen) final.push(await refit(index));
  return { plain, candidates, heads, final, times, choice, split, notes };
}

interface Fitted {
  /** By candidate. */
  readonly heads: readonly FittedHead[];
  /** Fits the head of a candidate again, to all images for fitting. */
  refit(candidate: number): Promise<LinearHead>;
}

async function fitHeads(
  { engine, onProgress }: AddExitsOptions,
  cache: NetworkCache,
  { fit, choose }: Split,
  { features, logits }: Observations,
): Promise<Fitted> {
  const [edge, end] = [fit.length, fit.length + choose.length];
  const part = (rows: Rows, from: number, to: number) => ({
    features: rowsBetween(rows, from, to),
    logits: rowsBetween(logits, from, to),
  });
  const images = listHash(fit, choose);
  const heads: FittedHead[] = [];
  onProgress('heads fitted', 0, features.length);
  for (const [index, rows] of features.entries()) {
    const fitted = await cache.kept(`head-${images}-${index}`, async () =>
      encodeFitted(await fitHead(engine, part(rows, 0, edge), part(rows, edge, end))),
    );
    heads.push(decodeFitted(fitted));
    onProgress('heads fitted', heads.length, features.length);
  }
  return {
    heads,
    async refit(index) {
      const [rows, head] = [features[index] as Rows, heads[index] as FittedHead];
      return decodeHead(
        await cache.kept(`final-head-${images}-${index}`, async () =>
          encodeHead(await refitHead(engine, { features: rows, logits }, head)),
        ),
      );
    },
  };
}

function listHash(...lists: readonly (readonly HashedSample[])[]): string {
  const hashes = lists.map((list) => list.map(({ sha256 }) => sha256));
  return createHash('sha256').update(JSON.stringify(hashes)).digest('hex').slice(0, 16);
}

/** @throws UsageError if the network answers all images alike @returns a note if it nearly does */
function refuseOneAnswer(logits: Rows, { classes }: Description): string[] {
  const counts = new Map<number, number>();
  const answers = answersOf(logits.values, classes.length);
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  const [[answer, count] = [0, 0]] = [...counts].sort(([, a], [, b]) => b - a);
  const name = classes[answer];
  if (counts.size === 1) {
    throw new UsageError(
      `The network answers "${name}" to all ${answers.length} images for fitting. ` +
        'Give images of all the classes that it will see; if these are, the preprocessing may be wrong.',
    );
  }
  const share = count / answers.length;
  if (share < 0.9) return [];
  return [
    `The network answers "${name}" to ${Math.round(100 * share)} % of the images: ` +
      'the certificates hold for traffic that is as uneven.',
  ];
}
