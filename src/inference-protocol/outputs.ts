// The outputs of a model: which there are, which a request wants, and their tensors.
import { Failure } from '../foundation/errors.js';
import type { ServedModel } from '../serving/catalog.js';
import type { Prediction } from '../serving/prediction.js';
import { type OutputDatatype, type OutputTensor, shown } from './tensors.js';

export interface RequestedOutput {
  readonly name: string;
  /** Classification extension: the number of most probable classes to report as texts; undefined: all, as numbers. */
  readonly classification?: number | undefined;
}

const PROBABILITIES = 'probabilities';

/** One value for each image; `probabilities` are told apart, because they have one for each class. */
const scalars: Readonly<
  Record<string, { datatype: OutputDatatype; of(answer: Prediction): number | boolean | string }>
> = {
  label: { datatype: 'BYTES', of: ({ label }) => label },
  class_index: { datatype: 'INT32', of: ({ classIndex }) => classIndex },
  exit_index: { datatype: 'INT32', of: ({ exit }) => exit.index },
  flops: { datatype: 'INT64', of: ({ flops }) => flops.executed },
  certified: { datatype: 'BOOL', of: ({ certified }) => certified },
  inverted: { datatype: 'BOOL', of: ({ inverted = false }) => inverted },
  typical: { datatype: 'BOOL', of: ({ typicality }) => typicality?.typical ?? true },
};

/** The scalars that a strict server offers, and nothing else. */
const strictNames: readonly string[] = ['label', 'class_index', 'certified'];

/** What the model offers. @returns for each output its dimensions behind the number of images */
export function describeOutputs(
  classes: number,
  isStrict: boolean,
): { readonly name: string; readonly datatype: OutputDatatype; readonly dimensions: readonly number[] }[] {
  return [
    { name: PROBABILITIES, datatype: 'FP32' as const, dimensions: [classes] },
    ...Object.entries(scalars).map(([name, { datatype }]) => ({ name, datatype, dimensions: [] })),
  ].filter(({ name }) => !isStrict || strictNames.includes(name));
}

const allNames = [PROBABILITIES, ...Object.keys(scalars)];

/** The outputs that a request wants, by default all. @throws Failure `invalid-body` */
export function chooseOutputs(
  requested: readonly RequestedOutput[],
  isStrict: boolean,
): readonly RequestedOutput[] {
  const outputNames = isStrict ? strictNames : allNames;
  if (requested.length === 0) return outputNames.map((name) => ({ name }));
  const names = requested.map(({ name }) => name);
  for (const [index, { name, classification }] of requested.entries()) {
    if (!outputNames.includes(name)) {
      throw invalid(`There is no output ${shown(name)}; these are: ${outputNames.join(', ')}.`);
    }
    if (names.indexOf(name) < index) throw invalid(`The output ${name} is asked for twice.`);
    if (classification === undefined) continue;
    if (name !== PROBABILITIES) throw invalid(`Only ${PROBABILITIES} can be reported as a classification.`);
    if (!Number.isSafeInteger(classification) || classification < 1) {
      throw invalid('The parameter classification is the number of classes to report, at least 1.');
    }
  }
  return requested;
}

/** How many of the most probable classes these outputs need. */
export function classesNeeded(outputs: readonly RequestedOutput[], { manifest }: ServedModel): number {
  const probabilities = outputs.find(({ name }) => name === PROBABILITIES);
  if (!probabilities) return 1;
  return Math.min(probabilities.classification ?? manifest.classes.length, manifest.classes.length);
}

/** The tensors, in the order of the request. @param answers in the order of the images */
export function outputTensors(
  outputs: readonly RequestedOutput[],
  answers: readonly Prediction[],
): OutputTensor[] {
  const images = answers.length;
  return outputs.map(({ name, classification }) => {
    const scalar = scalars[name];
    if (scalar) return { name, datatype: scalar.datatype, shape: [images], values: answers.map(scalar.of) };
    const classes = answers[0]?.top.length ?? 0;
    return classification === undefined
      ? { name, datatype: 'FP32', shape: [images, classes], values: answers.flatMap(byClass) }
      : {
          name,
          datatype: 'BYTES',
          shape: [images, classes],
          values: answers.flatMap(({ top }) => top.map(asText)),
        };
  });
}

function byClass({ top }: Prediction): number[] {
  const probabilities = new Array<number>(top.length).fill(0);
  for (const { classIndex, probability } of top) probabilities[classIndex] = probability;
  return probabilities;
}

/** As Triton writes it. */
function asText({ probability, classIndex, label }: Prediction['top'][number]): string {
  return `${probability.toFixed(6)}:${classIndex}:${label}`;
}

function invalid(detail: string): Failure {
  return new Failure('invalid-body', detail);
}
