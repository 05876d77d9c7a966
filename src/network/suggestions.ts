// Suggestions in a message about a wrong name: similar names, and names that are possible.

const MOST_SIMILAR = 3;
const MOST_LISTED = 12;

/** @returns a space and a sentence with the names that are most similar to `name`; empty if there are none */
export function similarNames(name: string, names: Iterable<string>): string {
  const allowed = Math.max(2, Math.floor(name.length / 3));
  const close = [...names]
    .filter((other) => Math.abs(other.length - name.length) <= allowed)
    .map((other) => ({ other, distance: editDistance(name, other) }))
    .filter(({ distance }) => distance <= allowed)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, MOST_SIMILAR);
  if (close.length === 0) return '';
  return ` Did you mean ${close.map(({ other }) => `"${other}"`).join(' or ')}?`;
}

/** @returns a space and a sentence that starts with `introduction`; if there are many names, it lists the last ones */
export function listOf(introduction: string, names: readonly string[]): string {
  if (names.length === 0) return ` ${introduction}: none.`;
  const left = names.length - MOST_LISTED;
  const listed = names.slice(-MOST_LISTED).map((name) => `"${name}"`);
  return ` ${introduction}: ${left > 0 ? `${left} more, then ` : ''}${listed.join(', ')}.`;
}

/** The Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const replaced = (row[j] as number) + (letter === b[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] as number) + 1, (next[j] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}
