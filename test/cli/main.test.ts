// The command line as a whole: every command is listed, found by its name, and answers a mistake in one sentence.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { version } from '../../src/foundation/version.js';
import { commandLine, runNode } from '../support/service/serve-process.js';

const listed = /^ {2}([a-z-]+) (?:\[|<)/gm;

describe('rdi-serve', () => {
  it('lists its commands, and each of them explains itself', async (t) => {
    const help = await runNode(t, [commandLine, '--help']).ended;
    assert.equal(help.code, 0);
    const names = [...help.stdout.matchAll(listed)]
      .map(([, name = '']) => name)
      .filter((name) => name !== 'help');
    assert.deepEqual(
      names,
      'serve import add-exits refresh calibrate typicality evaluate bench api-key install-tensorflow openapi'.split(
        ' ',
      ),
    );
    for (const name of names) {
      const { code, stdout } = await runNode(t, [commandLine, name, '--help']).ended;
      assert.equal(code, 0, name);
      assert.ok(stdout.startsWith(`Usage: rdi-serve ${name} `), stdout);
      assert.doesNotMatch(stdout, /default: null/);
    }
  });

  it('tells its version', async (t) => {
    assert.equal((await runNode(t, [commandLine, '--version']).ended).stdout, `${version}\n`);
  });

  for (const [mistake, sentence] of [
    [['classify'], "error: unknown command 'classify'\n"],
    [['constructor'], "error: unknown command 'constructor'\n"],
    [['import', '--fast'], "error: unknown option '--fast'\n"],
    [
      ['openapi', '--output', '.'],
      'rdi-serve: "." cannot be written: EISDIR: illegal operation on a directory, open \'.\'.\n',
    ],
    [['evaluate', 'nothing', '--models', 'nowhere', '--data', 'x'], undefined],
  ] as const) {
    it(`ends with 1 and one sentence: ${mistake.join(' ')}`, async (t) => {
      const { code, stdout, stderr } = await runNode(t, [commandLine, ...mistake]).ended;
      assert.equal(code, 1);
      assert.equal(stdout, '');
      if (sentence) assert.equal(stderr, sentence);
      else assert.match(stderr, /^rdi-serve: [A-Z][^\n]*\.\n$/);
    });
  }
});
