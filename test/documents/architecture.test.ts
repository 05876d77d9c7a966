// The folders of src/ and bench/ import each other as the table in docs/architecture.md says, and nothing imports itself
// on a detour: neither folders nor files, at any level, types included.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

const MOST_FILES_IN_A_FOLDER = 15;

const sources = ['src', 'bench'].flatMap((root) =>
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => join(root, path)),
);
/** But for those of bench/ that are taken from the tests: networks and images to be made. */
const imports = sources
  .flatMap((from) =>
    importedBy(readFileSync(from, 'utf8')).map((to) => ({ from, to: normalize(join(dirname(from), to)) })),
  )
  .filter(({ from, to }) => !(from.startsWith('bench/') && to.startsWith('test/support/')));

/** What a module imports by a relative path, types too. */
function importedBy(text: string): string[] {
  const references = /(?:\bfrom|\bimport|\bimport\()\s*'(\.[^']+)\.js'/g;
  return [...text.matchAll(references)].map(([, path]) => `${path}.ts`);
}

/** The folder of src/ that a file lies in; `bench` of those in bench/; of a loose file its own name. */
function partOf(path: string): string {
  const [root = '', part = ''] = path.split('/');
  return root === 'bench' ? 'bench' : part.replace(/\.ts$/, '');
}

/** The rows of the table of folders: | `name` | what is there | `imports`, `those` | */
function documented(): Map<string, string[]> {
  const text = readFileSync('docs/architecture.md', 'utf8');
  const rows = [...text.matchAll(/^\| `(?:src\/)?([\w-]+)(?:\/|\.ts)` \|[^|]*\|([^|]*)\|$/gm)];
  return new Map(rows.map(([, name = '', used = '']) => [name, [...used.matchAll(/[\w-]+/g)].map(String)]));
}

test('every file is found', () => {
  assert.ok(sources.length > 200, `only ${sources.length} files`);
  const missing = imports.filter(({ to }) => !sources.includes(to));
  assert.deepEqual(missing, []);
});

test('folders import what docs/architecture.md says, no more and no less', () => {
  const found = new Map(sources.map((path) => [partOf(path), new Set<string>()]));
  for (const { from, to } of imports)
    if (partOf(from) !== partOf(to)) found.get(partOf(from))?.add(partOf(to));
  const sorted = (map: ReadonlyMap<string, Iterable<string>>) =>
    Object.fromEntries([...map].sort().map(([name, used]) => [name, [...used].sort()]));
  assert.deepEqual(sorted(found), sorted(documented()));
});

test('no circles: the parts, and the entries of every folder in them, have an order in which each imports earlier ones', () => {
  assert.equal(circleAmong(imports.map(({ from, to }) => [partOf(from), partOf(to)])), undefined);
  for (const folder of new Set(sources.flatMap(foldersAbove))) {
    const inside = imports.map(({ from, to }) => [entryOf(folder, from), entryOf(folder, to)] as const);
    assert.equal(circleAmong(inside), undefined, `in ${folder}`);
  }
});

test(`no folder has more than ${MOST_FILES_IN_A_FOLDER} files`, () => {
  for (const root of ['src', 'web', 'bench', 'test', 'deploy']) {
    const entries = readdirSync(root, { recursive: true, withFileTypes: true });
    const files = new Map<string, number>();
    for (const { parentPath } of entries.filter((entry) => entry.isFile())) {
      files.set(parentPath, (files.get(parentPath) ?? 0) + 1);
    }
    assert.ok(files.size > 0, `${root} is empty`);
    for (const [folder, count] of files) assert.ok(count <= MOST_FILES_IN_A_FOLDER, `${count} in ${folder}`);
  }
});

/** The folders that a file lies in, but for src/ itself, of which the parts are the entries. */
function foldersAbove(path: string): string[] {
  const parts = path.split('/').slice(0, -1);
  return parts.map((_, depth) => parts.slice(0, depth + 1).join('/')).filter((folder) => folder !== 'src');
}

/** The file or folder directly in `folder` that `path` is or lies in; undefined if it lies elsewhere. */
function entryOf(folder: string, path: string): string | undefined {
  return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1).split('/')[0] : undefined;
}

/** Entries that import each other in a ring, in order; undefined if there are none. */
function circleAmong(
  edges: readonly (readonly [from: string | undefined, to: string | undefined])[],
): string[] | undefined {
  const targets = new Map<string, Set<string>>();
  for (const [from, to] of edges) {
    if (from === undefined || to === undefined || from === to) continue;
    targets.set(from, (targets.get(from) ?? new Set()).add(to));
  }
  const done = new Set<string>();
  function visit(entry: string, way: readonly string[]): string[] | undefined {
    if (way.includes(entry)) return [...way.slice(way.indexOf(entry)), entry];
    if (done.has(entry)) return undefined;
    done.add(entry);
    for (const next of targets.get(entry) ?? []) {
      const circle = visit(next, [...way, entry]);
      if (circle) return circle;
    }
    return undefined;
  }
  for (const entry of targets.keys()) {
    const circle = visit(entry, []);
    if (circle) return circle;
  }
  return undefined;
}
