// The audits of a model when its profiles change; test/contract/audit.test.ts tests audits in a running service.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { CALIBRATION_FILE } from '../../../src/format/documents.js';
import { loadPackage } from '../../../src/packages/package.js';
import { type AuditsOptions, createAudits } from '../../../src/serving/auditing/audits.js';
import type { Plan } from '../../../src/serving/plan.js';
import { createMetrics } from '../../../src/telemetry/metrics.js';
import type { Outcome } from '../../../src/workers/request.js';
import { withCertificate } from '../../support/packages/certificate.js';
import { writeTestPackage } from '../../support/packages/network.js';
import { writeListed } from '../../support/packages/packages.js';
import { readExposition } from '../../support/service/exposition.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const left = { reason: 'confident', top: [{ classIndex: 1, probability: 1 }] } as unknown as Outcome;
type Whole = Awaited<ReturnType<AuditsOptions['run']>>;
const whole = { top: [{ classIndex: 2, probability: 1 }], seconds: 1 } as unknown as Whole;

for (const change of ['replaced', 'removed', 'certified for accuracy alone'] as const) {
  test(`samples of a profile that was ${change} meanwhile are counted, without effect on the served one`, async () => {
    const { directory, manifest } = await writeTestPackage(temporaryFolder());
    async function packageWith(
      thresholds: Record<string, number>,
      loss: 'consistency' | 'error' = 'consistency',
    ) {
      const risks = [{ loss, epsilon: 0.05, observed: 0, pValue: 0.01, test: 'none' }];
      const profiles = Object.fromEntries(
        Object.entries(thresholds).map(([name, threshold]) => [
          name,
          withCertificate(manifest, { policy: 'entropy', thresholds: [threshold, threshold] }, { risks }),
        ]),
      );
      const document = { formatVersion: 1, defaultProfile: 'full', profiles };
      await writeListed(directory, CALIBRATION_FILE, JSON.stringify(document));
      return loadPackage(directory);
    }
    const metrics = createMetrics([1]);
    const runs: ((result: Whole) => void)[] = [];
    const audits = createAudits({
      fraction: 1,
      alpha: 0.01,
      run: () => new Promise((resolve) => runs.push(resolve)),
      random: () => 0,
      metrics,
      logger: pino({ enabled: false }),
    });
    const path: Plan['path'] = [{ from: -1, exit: 0, threshold: null, flops: 1 }];
    const plan = {
      model: { full: { policy: 'entropy', path } },
      profile: { paths: [path] },
      path,
      deadlineSeconds: Number.POSITIVE_INFINITY,
    } as unknown as Plan;

    const before = audits(await packageWith({ fast: 0.5 })).get('fast');
    const samples = Array.from({ length: 40 }, () => before?.draw(plan));
    for (const sample of samples) sample?.answered(left, new Uint8Array());
    const after = {
      replaced: () => packageWith({ fast: 0.4 }),
      removed: () => packageWith({ other: 0.5 }),
      'certified for accuracy alone': () => packageWith({ fast: 0.5 }, 'error'),
    };
    audits(await after[change]());
    for (const resolve of runs) resolve(whole);
    await new Promise(setImmediate);

    assert.equal(before?.isAlarmed(), true);
    const { all, sum } = readExposition(await metrics.registry.metrics());
    assert.equal(sum('rdi_audit_samples_total', { profile: 'fast', result: 'differed' }), samples.length);
    const shown = all.filter(
      ({ name, labels }) => name === 'rdi_audit_alarm' && labels['profile'] === 'fast',
    );
    assert.deepEqual(
      shown.map(({ value }) => value),
      change === 'replaced' ? [0] : [],
    );
  });
}
