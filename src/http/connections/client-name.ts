// The name under which a client's requests are counted together: of its API key, or else its address. And what follows
// from it: whether it is tested for slowdown inputs, and whose places its requests take.
import { isIPv6 } from 'node:net';
import type { Client } from '../../access/client.js';
import type { Classifier } from '../../serving/classifier.js';
import { holderOf } from '../../serving/slowdown/slow-lane.js';
import type { Caller } from '../../serving/slowdown/slowdown-watch.js';

/** Groups of an IPv6 address that name a network; the remaining four are the client's own to choose (RFC 4291). */
const NETWORK_GROUPS = 4;

/**
 * @param client the owner of the API key; undefined: none is required
 * @param address as for `clientName`
 * @returns undefined: clients are not tested for slowdown inputs
 */
export function callerOf(
  { slowdown }: Pick<Classifier, 'slowdown'>,
  client: Client | undefined,
  address: string | undefined,
): Caller | undefined {
  return slowdown?.callerOf(clientName(client?.name, address));
}

/** The holder of the places for bodies of a request; parameters as for `callerOf`. @returns as `holderOf` does */
export function bodyHolder(
  classifier: Pick<Classifier, 'slowdown'>,
  client: Client | undefined,
  address: string | undefined,
): object | undefined {
  return holderOf(client, callerOf(classifier, client, address));
}

/**
 * @param owner of the API key; undefined: none is required
 * @param address of the connection's other end; undefined: it has none, as on a socket in the file system
 * @returns the owner; or an IPv4 address; or the first 64 bits of an IPv6 address, such as `2001:db8:0:1::/64`
 */
export function clientName(owner: string | undefined, address: string | undefined): string {
  if (owner !== undefined) return owner;
  if (address === undefined) return 'local';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  return isIPv6(address) ? `${networkOf(address)}::/64` : address;
}

function networkOf(address: string): string {
  const [before = '', after] = (address.split('%', 1)[0] ?? '').split('::');
  const first = before === '' ? [] : before.split(':');
  const behind = after === undefined || after === '' ? [] : after.split(':');
  const zeros = after === undefined ? [] : new Array<string>(8 - first.length - behind.length).fill('0');
  return [...first, ...zeros, ...behind].slice(0, NETWORK_GROUPS).join(':');
}
