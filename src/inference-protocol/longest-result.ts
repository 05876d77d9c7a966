// The longest answer of the same shape: its texts are labels, its integers indices of classes. Answers that are made as
// long as this one do not show the class by their length.
import type { InferenceResult } from './infer.js';
import type { OutputTensor } from './tensors.js';

/** @param isBinary whether an output's texts are written as bytes, not as JSON */
export function longestResult(
  result: InferenceResult,
  isBinary: (output: string) => boolean,
): InferenceResult {
  const { classes } = result;
  const worstOf = ({ name, datatype, values }: OutputTensor): number | boolean | string | undefined => {
    if (datatype === 'INT32') return classes.length - 1;
    if (datatype !== 'BYTES') return values[0];
    const bytes = (label: string): number =>
      Buffer.byteLength(isBinary(name) ? label : JSON.stringify(label));
    return classes.reduce((most, label) => (bytes(label) > bytes(most) ? label : most), '');
  };
  const outputs = result.outputs.map((output): OutputTensor => {
    const worst = worstOf(output);
    return { ...output, values: output.values.map(() => worst) } as OutputTensor;
  });
  return { ...result, outputs };
}
