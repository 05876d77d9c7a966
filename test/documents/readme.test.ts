// What README.md shows: its curl commands answered by the shipped model, its example answer, its figures, its links.
// .ci/run gives the same lines to a real shell and a real curl; here they are read and sent, so that none is needed.
import assert from 'node:assert/strict';
import { access, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { environmentVariableOf, settingNames } from '../../src/config/settings.js';
import type { Prediction } from '../../src/serving/prediction.js';
import { commandLine, runNode } from '../support/service/serve-process.js';
import { startTestService } from '../support/service/service.js';

const root = join(import.meta.dirname, '../../..');
const readme = await readFile(join(root, 'README.md'), 'utf8');
const documents = (await readdir(join(root, 'docs'))).filter((name) => name.endsWith('.md'));
const { url } = await startTestService({ after }, { config: { models: join(root, 'models') } });
const commands = [...readme.matchAll(/^curl .*$/gm)].map(([command]) => command);

/** Sends what a curl command of ours says; an option that is not known here fails. */
async function send(command: string): Promise<Response> {
  const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? '');
  const headers: [string, string][] = [];
  let [address, body]: [string, Buffer | undefined] = ['', undefined];
  for (let at = 1; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '-H') headers.push((words[++at] ?? '').split(': ') as [string, string]);
    else if (word === '--data-binary')
      body = await readFile(join(root, (words[++at] ?? '').replace('@', '')));
    else if (word.startsWith('localhost:8080/')) address = word.replace('localhost:8080', url);
    else assert.fail(`${word} in ${command}`);
  }
  return fetch(address, { headers, ...(body && { method: 'POST', body }) });
}

test('every curl command is answered', async () => {
  assert.ok(commands.length >= 2);
  for (const command of commands) assert.equal((await send(command)).status, 200, command);
});

test('the example answer is the answer, to the digits shown', async () => {
  const [, shown = ''] = /```json\n(.*?)```/s.exec(readme) ?? [];
  const example = JSON.parse(shown) as Prediction;
  const answer = (await (await send(commands[0] ?? '')).json()) as Prediction;
  const { timing, exit, confidence, top, typicality, ...rest } = example;
  const near = (given: number, expected: number) =>
    assert.ok(Math.abs(given - expected) <= 0.01 * expected, `${given}, not ${expected}`);
  for (const [key, value] of Object.entries(rest))
    assert.deepEqual(answer[key as keyof Prediction], value, key);
  near(answer.confidence, confidence);
  near(answer.top[0]?.probability ?? 0, top[0]?.probability ?? 1);
  near(answer.typicality?.pValue ?? 0, typicality?.pValue ?? 1);
  near(answer.exit.score, exit.score);
  near(answer.exit.threshold ?? 0, exit.threshold ?? 1);
  assert.deepEqual({ ...answer.exit, score: 0, threshold: 0 }, { ...exit, score: 0, threshold: 0 });
  assert.deepEqual(Object.keys(answer), Object.keys(example));
  assert.deepEqual(Object.keys(answer.timing), Object.keys(timing));
});

test('the harder image goes as deep as it says', async () => {
  const [, flops = ''] = /`exit\.index` 1, ([\d,]+) FLOPs/.exec(readme) ?? [];
  const command = commands.find((one) => one.includes('hard-4.png')) ?? '';
  const { exit, flops: spent } = (await (await send(command)).json()) as Prediction;
  assert.deepEqual([exit.index, spent.executed], [1, Number(flops.replaceAll(',', ''))]);
});

test('it lists the commands of the command line', async (t) => {
  const { stdout } = await runNode(t, [commandLine, '--help']).ended;
  const listed = [...readme.matchAll(/^rdi-serve ([a-z-]+) {2,}/gm)].map(([, name]) => name);
  const offered = [...stdout.matchAll(/^ {2}([a-z-]+) \[options\]/gm)].map(([, name]) => name);
  assert.deepEqual(listed, offered);
});

test('links and pictures lead to files, in all documents', async () => {
  const files = ['README.md', 'CONTRIBUTING.md', ...documents.map((name) => join('docs', name))];
  for (const file of files) {
    const text = await readFile(join(root, file), 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)) {
      await assert.doesNotReject(access(join(root, dirname(file), target)), `${file}: ${target}`);
    }
  }
  for (const name of documents) assert.ok(readme.includes(`docs/${name}`), `the README links docs/${name}`);
});

test('every variable that the documents name is a setting, or is read by a command, a test or a deployment', async () => {
  const sources = await Promise.all(
    ['src', 'test', 'training', 'clients', 'deploy'].map((folder) =>
      readdir(join(root, folder), { recursive: true }).then((names) =>
        names.map((name) => join(folder, name)),
      ),
    ),
  );
  const read = sources.flat().filter((name) => /(?<!(?:node_modules|\.venv).*)\.(ts|py|sh)$/.test(name));
  const texts = ['.ci/run', 'docker-compose.yml', ...read].map((name) => readFile(join(root, name), 'utf8'));
  const known = new Set(settingNames.map(environmentVariableOf));
  for (const text of await Promise.all(texts)) {
    for (const [variable] of text.matchAll(VARIABLE)) known.add(variable);
  }
  for (const name of ['README.md', ...documents.map((one) => join('docs', one))]) {
    const text = await readFile(join(root, name), 'utf8');
    for (const [variable] of text.matchAll(VARIABLE)) assert.ok(known.has(variable), `${name}: ${variable}`);
  }
});

const VARIABLE = /\bRDI_[A-Z_]+\b/g;
