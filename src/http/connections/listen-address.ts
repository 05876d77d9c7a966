// Where the server will listen. It is found out, and tried, before models are loaded: a taken port is told at once.
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { createServer } from 'node:net';

const ANY = '::';
const ANY_IPV4 = '0.0.0.0';

/**
 * For "localhost", Fastify would start one server per address, but orderly-close.ts and parser-refusals.ts handle only
 * the first server. `::` also takes IPv4; without IPv6 in the system it becomes 0.0.0.0.
 * @returns an address for `listen`
 * @throws the system's error, such as EADDRINUSE
 */
export async function findListenAddress(host: string, port: number): Promise<string> {
  const address = host === 'localhost' ? (await lookup(host)).address : host;
  try {
    await tryToListen(address, port);
  } catch (error) {
    const hasNoIpv6 = ['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'].includes(
      (error as NodeJS.ErrnoException).code ?? '',
    );
    if (address !== ANY || !hasNoIpv6) throw error;
    await tryToListen(ANY_IPV4, port);
    return ANY_IPV4;
  }
  return address;
}

async function tryToListen(host: string, port: number): Promise<void> {
  const server = createServer((socket) => socket.destroy());
  server.listen({ host, port });
  await once(server, 'listening');
  server.close();
  await once(server, 'close');
}
