// Everything that is decided on the images for fitting: the heads, and which of them become exits.
import type { Description } from '../format/description.js';
import { UsageError } from '../foundation/errors.js';
import { chooseExits } from './choose-exits.js';
import type { Candidate } from './find-candidates.js';
import type { Findings } from './findings.js';
import { answersOf, type FittedHead, fitHead, refitHead } from './heads/fit-heads.js';
import { type Rows, rowsBetween } from './heads/linear-products.js';
import { measureTimes } from './measure-times.js';
import { mostImages, observe } from './observe.js';
import { type AddExitsOptions, counted } from './options.js';
import type { PlainNetwork } from './plain-network.js';
import { splitSamples } from './split.js';

/** @throws UsageError if there are too few images, one cannot be used, or the network answers all of them alike */
export async function examine(
  options: AddExitsOptions,
  plain: PlainNetwork,
  candidates: readonly Candidate[],
): Promise<Findings> {
  const { engine, decoder, samples, apart, epsilons, delta, mostExits, onProgress } = options;
  const classes = plain.description.classes.length;
  const split = splitSamples(samples, apart, { ...options, most: mostImages(candidates, classes) });
  const fitting = [...split.fit, ...split.choose];
  const { features, logits } = await observe({
    ...{ engine, decoder, plain, candidates, samples: fitting },
    onProgress: counted('images through the network', fitting.length, onProgress),
  });
  const notes = [...plain.notes, ...refuseOneAnswer(logits, plain.description)];
  const [edge, end] = [split.fit.length, fitting.length];
  const heads: FittedHead[] = [];
  for (const one of features) {
    const [fit, apart] = [
      { features: rowsBetween(one, 0, edge), logits: rowsBetween(logits, 0, edge) },
      { features: rowsBetween(one, edge, end), logits: rowsBetween(logits, edge, end) },
    ];
    heads.push(await fitHead(engine, fit, apart));
    onProgress('heads fitted', heads.length, features.length);
  }
  const times = await measureTimes(engine, plain, candidates);
  const choice = chooseExits({
    candidates: heads.map((head) => head.logits),
    final: rowsBetween(logits, edge, end).values,
    ...{ classes, times, epsilons, delta, mostExits },
  });
  const final = await Promise.all(
    choice.chosen.map((index) =>
      refitHead(engine, { features: features[index] as Rows, logits }, heads[index] as FittedHead),
    ),
  );
  return { plain, candidates, heads, final, times, choice, split, notes };
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
