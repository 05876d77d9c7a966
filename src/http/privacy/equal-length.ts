// Blanks that make answers about any class of a model equally long: whoever sees an encrypted answer sees its length.
import type { Told } from '../../serving/privacy/telling.js';

/** Bytes of the longest class in JSON, by the model's classes. */
const longest = new WeakMap<readonly string[], number>();

/** Blanks to put behind the JSON of these answers. @param classes of the model, in order */
export function blanksFor(told: readonly Told[], classes: readonly string[]): string {
  const most = longest.get(classes) ?? Math.max(...classes.map(bytesOf));
  longest.set(classes, most);
  const spare = told.reduce((sum, { label, classIndex }) => sum + most - bytesOf(label, classIndex), 0);
  return ' '.repeat(Math.max(0, spare));
}

function bytesOf(label: string, classIndex: number): number {
  return Buffer.byteLength(JSON.stringify(label)) + `${classIndex}`.length;
}
