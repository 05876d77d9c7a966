import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientName } from '../../../src/http/connections/client-name.js';

const names: [address: string | undefined, name: string][] = [
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2:ffff::1', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['2001:db8::', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  [undefined, 'local'],
];

test('a client is its IPv4 address, or the network of its IPv6 address', () => {
  for (const [address, name] of names) assert.equal(clientName(undefined, address), name);
});

test('with a key it is the owner of the key', () => {
  assert.equal(clientName('team-a', '192.0.2.7'), 'team-a');
});
