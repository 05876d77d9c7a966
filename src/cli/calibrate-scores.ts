// Gets the scores for `rdi-serve calibrate`: from a file that fits the model, or by recording the images now.
import { recordScores } from '../calibration/scores/record.js';
import type { Recording } from '../calibration/scores/recording.js';
import { readScores, writeScores } from '../calibration/scores/scores-file.js';
import { createConfig } from '../config/config.js';
import { classIndices, type NamedDataSet, openDataSet } from '../datasets/open-data-set.js';
import { createDecoder } from '../decoding/decode.js';
import { createEngine } from '../engines/onnx.js';
import { describedSha256 } from '../format/certificate.js';
import { GRAPH_FILE } from '../format/documents.js';
import { UsageError } from '../foundation/errors.js';
import type { ModelPackage } from '../packages/package.js';
import { withCount } from './progress/create-progress.js';

export interface ScoresOptions {
  readonly data?: string;
  /** false: the images have no classes. */
  readonly labels?: string | boolean;
  readonly scores?: string;
}

/**
 * @param flag the flag that names the data, for messages
 * @throws UsageError if there is neither data nor a file of scores; if there are labels without data; or if the file is
 *   of another model, of the same model with another description, or of other data
 */
export async function obtainScores(
  model: ModelPackage,
  options: ScoresOptions,
  flag: '--data' | '--adversarial',
): Promise<Recording> {
  const kept = options.scores === undefined ? undefined : await readScores(options.scores);
  if (options.data === undefined) {
    if (!kept) throw new UsageError(`Give ${flag}, or an existing file of its scores.`);
    if (typeof options.labels === 'string') throw new UsageError(`--labels needs ${flag}.`);
    return checked(kept, model, options, flag);
  }
  const labels = typeof options.labels === 'string' ? options.labels : undefined;
  const dataSet = await openDataSet(options.data, labels, { labelled: options.labels !== false });
  try {
    if (kept) return checked(kept, model, options, flag, dataSet.sha256);
    const recording = await recordDataSet(model, dataSet, options.labels !== false);
    if (options.scores !== undefined) await writeScores(options.scores, recording);
    return recording;
  } finally {
    dataSet.close();
  }
}

function checked(
  kept: Recording,
  model: ModelPackage,
  { scores }: ScoresOptions,
  flag: string,
  dataSha256?: string,
) {
  if (kept.modelSha256 !== model.manifest.files[GRAPH_FILE]?.sha256) {
    throw new UsageError(
      `"${scores}" has the scores of another model (${kept.model}); record into a new file.`,
    );
  }
  if (kept.describedSha256 !== describedSha256(model.manifest)) {
    throw new UsageError(
      `"${scores}" was recorded when the manifest described another preprocessing, other exits or other classes; ` +
        'record into a new file.',
    );
  }
  if (dataSha256 !== undefined && kept.dataSha256 !== dataSha256) {
    throw new UsageError(`"${scores}" has the scores of other images than ${flag}; record into a new file.`);
  }
  return kept;
}

async function recordDataSet(
  model: ModelPackage,
  { samples, sha256 }: NamedDataSet,
  labelled: boolean,
): Promise<Recording> {
  const truth = labelled && Int32Array.from(classIndices(samples, model.manifest.classes));
  return withCount('images recorded', samples.length, (onProgress) =>
    recordScores({
      model,
      engine: createEngine(),
      decoder: createDecoder(createConfig()),
      samples,
      dataSha256: sha256,
      ...(truth && { truth }),
      onProgress,
    }),
  );
}
