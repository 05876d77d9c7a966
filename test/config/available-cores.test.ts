// Quotas of control groups, as files of a made-up system: both versions, nested groups, hybrid hierarchies.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { availableCores } from '../../src/config/available-cores.js';
import { temporaryFolder } from '../support/temporary-folder.js';

function system(files: Readonly<Record<string, string>>): string {
  const root = temporaryFolder();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), `${text}\n`);
  }
  return root;
}

const groups = 'sys/fs/cgroup';
const systems: [string, Readonly<Record<string, string>>, number][] = [
  ['no control groups', {}, 8],
  ['version 2 without a quota', { 'proc/self/cgroup': '0::/', [`${groups}/cpu.max`]: 'max 100000' }, 8],
  ['version 2, a container', { 'proc/self/cgroup': '0::/', [`${groups}/cpu.max`]: '200000 100000' }, 2],
  ['one and a half', { 'proc/self/cgroup': '0::/', [`${groups}/cpu.max`]: '150000 100000' }, 1],
  ['less than a core', { 'proc/self/cgroup': '0::/', [`${groups}/cpu.max`]: '20000 100000' }, 1],
  ['more than there are', { 'proc/self/cgroup': '0::/', [`${groups}/cpu.max`]: '6400000 100000' }, 8],
  [
    'version 2, a quota of a parent',
    {
      'proc/self/cgroup': '0::/kubepods/pod1/a',
      [`${groups}/kubepods/pod1/a/cpu.max`]: 'max 100000',
      [`${groups}/kubepods/pod1/cpu.max`]: '300000 100000',
    },
    3,
  ],
  [
    'version 1, the host’s path in a container',
    {
      'proc/self/cgroup': '3:cpuset:/docker/a\n2:cpu,cpuacct:/docker/a\n1:name=systemd:/',
      [`${groups}/cpu,cpuacct/cpu.cfs_quota_us`]: '400000',
      [`${groups}/cpu,cpuacct/cpu.cfs_period_us`]: '100000',
    },
    4,
  ],
  [
    'version 1 without a quota',
    {
      'proc/self/cgroup': '2:cpu:/',
      [`${groups}/cpu/cpu.cfs_quota_us`]: '-1',
      [`${groups}/cpu/cpu.cfs_period_us`]: '100000',
    },
    8,
  ],
  [
    'both versions at once',
    {
      'proc/self/cgroup': '4:cpu,cpuacct:/a\n0::/a',
      [`${groups}/cpu,cpuacct/a/cpu.cfs_quota_us`]: '250000',
      [`${groups}/cpu,cpuacct/a/cpu.cfs_period_us`]: '50000',
    },
    5,
  ],
];

for (const [name, files, cores] of systems) {
  test(`${name}: ${cores} of 8 cores`, () => {
    assert.equal(availableCores(system(files), 8), cores);
  });
}
