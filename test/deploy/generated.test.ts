// The committed files under deploy/ that are made from others are what their sources make.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { generatedFiles } from '../../deploy/generated.js';
import { readText, root } from './files.js';

process.chdir(root);
const generated = generatedFiles();

for (const [file, content] of generated) {
  test(`${file} is as npm run deploy-files writes it`, () => assert.equal(readText(file), content));
}

test('there is no dashboard that nothing makes, and Kubernetes gets them all', () => {
  const kustomization = readText('deploy/grafana/kustomization.yaml');
  for (const name of readdirSync('deploy/grafana/dashboards')) {
    const file = path.posix.join('deploy/grafana/dashboards', name);
    assert.ok(generated.has(file), file);
    assert.ok(kustomization.includes(`dashboards/${name}]`), name);
  }
});
