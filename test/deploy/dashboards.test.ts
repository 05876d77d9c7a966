// The dashboards as committed: every panel explains itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDashboards } from './files.js';

for (const [file, { panels, templating }] of readDashboards()) {
  test(`${file}: every panel has a description, a unit and thresholds, and queries of its own`, () => {
    const shown = panels.filter(({ type }) => type !== 'row');
    assert.ok(shown.length >= 4);
    assert.equal(new Set(shown.map(({ title }) => title)).size, shown.length, 'no title twice');
    for (const { title, description, targets = [], fieldConfig } of shown) {
      assert.match(description ?? '', /^.{20,}\.$/s, `${title}: a description in sentences`);
      assert.ok(fieldConfig.defaults.unit, `${title}: a unit`);
      assert.ok(fieldConfig.defaults.thresholds?.steps.length, `${title}: thresholds`);
      assert.ok(targets.length > 0, `${title}: queries`);
      assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title);
    }
  });

  test(`${file}: the variables that all dashboards share`, () => {
    assert.deepEqual(
      templating.list.map(({ name }) => name),
      ['datasource', 'instance', 'model', 'version'],
    );
  });
}
