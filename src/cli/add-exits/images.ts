// The images that add-exits and refresh are given: opened, without copies, and identified.
import { createHash } from 'node:crypto';
import process from 'node:process';
import type { Command } from 'commander';
import type { AddExitsOptions } from '../../add-exits/options.js';
import { withoutCopies } from '../../add-exits/split.js';
import { type NamedDataSet, openDataSet, takeEvenly } from '../../datasets/open-data-set.js';
import { integer, positiveInteger } from '../../foundation/numbers.js';

export interface ImageFlags {
  readonly data: string;
  readonly fitData?: string;
  readonly limit?: number;
  readonly seed: number;
}

export function imageFlags(command: Command): Command {
  return command
    .requiredOption('--data <path>', 'images: folder, zip or IDX file; labels are not needed')
    .option(
      '--fit-data <path>',
      'images to fit the exits to; default: half of --data. May be training images',
    )
    .option('--limit <n>', 'take so many images of --data, evenly spaced', positiveInteger)
    .option('--seed <n>', 'seed of the split', integer, 1);
}

/** Tells how many copies were left out. The data sets are closed when `task` has ended. */
export async function withImages<Result>(
  { data: path, fitData: fitPath, limit, seed }: ImageFlags,
  task: (images: Pick<AddExitsOptions, 'samples' | 'apart' | 'dataSha256'>) => Promise<Result>,
): Promise<Result> {
  const opened: NamedDataSet[] = [];
  const open = async (one: string): Promise<NamedDataSet> => {
    const dataSet = await openDataSet(one, undefined, { labelled: 'optional' });
    opened.push(dataSet);
    return dataSet;
  };
  try {
    const data = await open(path);
    const fitData = fitPath === undefined ? undefined : await open(fitPath);
    const taken = takeEvenly(data.samples, limit ?? data.samples.length);
    const samples = await withoutCopies(taken);
    const copies = taken.length - samples.length;
    if (copies > 0)
      process.stdout.write(`${copies} of ${taken.length} images are copies of others and left out.\n`);
    const apart = fitData && (await withoutCopies(fitData.samples, samples));
    // Of the images that calibrate: they are a part of those given.
    const identity = JSON.stringify([data.sha256, fitData?.sha256 ?? null, limit ?? null, seed]);
    const dataSha256 = createHash('sha256').update(identity).digest('hex');
    return await task({ samples, ...(apart && { apart }), dataSha256 });
  } finally {
    for (const dataSet of opened) dataSet.close();
  }
}
