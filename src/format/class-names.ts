// What the names of classes must be: each a name, and each another. Answers and labels are told apart by them alone.
import { PackageError } from '../foundation/errors.js';

/** As many names as a message shows. */
const MOST_SHOWN = 5;

/** @throws PackageError that shows the names that are blank or there more than once, with their places from 0. */
export function checkClassNames(file: string, classes: readonly string[]): void {
  const places = new Map<string, number[]>();
  classes.forEach((name, index) => {
    places.set(name.trim(), [...(places.get(name.trim()) ?? []), index]);
  });
  const blank = places.get('');
  if (blank) throw new PackageError(`${file}: class ${listed(blank.map(String))} has no name.`);
  const repeated = [...places].filter(([, indices]) => indices.length > 1);
  if (repeated.length === 0) return;
  const shown = repeated.map(([name, indices]) => `"${name}" (${listed(indices.map(String))})`);
  throw new PackageError(
    `${file} gives several classes the same name: ${listed(shown)}. ` +
      'Give each a name of its own, such as "crane (bird)" and "crane (machine)".',
  );
}

/** The first and the last of `classes`, for messages. */
export function nameRange(classes: readonly string[]): string {
  const [first = '', ...others] = classes;
  const last = others.at(-1);
  return last === undefined ? `"${first}"` : `"${first}"${others.length > 1 ? ' …' : ','} "${last}"`;
}

function listed(items: readonly string[]): string {
  const more = items.length - MOST_SHOWN;
  return items.slice(0, MOST_SHOWN).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
