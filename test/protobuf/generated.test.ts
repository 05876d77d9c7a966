// The code beside every *.proto is what `npm run protobuf` makes of it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { temporaryFolder } from '../support/temporary-folder.js';

const programs = resolve('node_modules/.bin');

for (const folder of ['src/protobuf', 'test/support/otlp']) {
  test(folder, () => {
    const made = temporaryFolder();
    execFileSync(
      join(programs, 'buf'),
      ['generate', '--template', 'src/protobuf/buf.gen.yaml', '--output', made, folder],
      { env: { ...process.env, PATH: programs + delimiter + process.env['PATH'] } },
    );
    const names = readdirSync(made).sort();
    assert.ok(names.length > 0);
    assert.deepEqual(
      readdirSync(folder)
        .filter((name) => name.endsWith('_pb.ts'))
        .sort(),
      names,
    );
    for (const name of names) {
      assert.equal(readFileSync(join(folder, name), 'utf8'), readFileSync(join(made, name), 'utf8'), name);
    }
  });
}
