// The servers that this one is compared with: their packages, and the scripts that start them.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

export interface Peer {
  readonly name: string;
  /** Python packages. The first is the server itself. */
  readonly packages: readonly [string, ...string[]];
  /** File name in bench/peers/servers/. */
  readonly script: string;
}

/** uvicorn with its optional accelerators, which its docs call the faster choice. */
const FAST_UVICORN = ['uvicorn', 'uvloop', 'httptools'] as const;

export const peers: readonly Peer[] = [
  { name: 'mosec', packages: ['mosec'], script: 'mosec_server.py' },
  { name: 'fastapi', packages: ['fastapi', ...FAST_UVICORN], script: 'fastapi_server.py' },
  { name: 'litserve', packages: ['litserve', ...FAST_UVICORN], script: 'litserve_server.py' },
  { name: 'bentoml', packages: ['bentoml', ...FAST_UVICORN], script: 'bento_server.py' },
];

/** The packages with which every peer runs the network, see servers/plain_network.py. */
export const networkPackages: readonly string[] = ['numpy', 'onnxruntime', 'pillow'];

/** Relative to dist/bench/peers/, the folder of this file's compiled form. */
const sources = new URL('../../../bench/peers/', import.meta.url);

/** Exact versions of all packages and their dependencies. */
export const requirementsFile = fileURLToPath(new URL('requirements.txt', sources));

export function scriptOf({ script }: Peer): string {
  return fileURLToPath(new URL(`servers/${script}`, sources));
}

/** Name of the peer, and its version in the requirements. */
export async function titleOf({ name, packages: [first] }: Peer): Promise<string> {
  const pins = await readFile(requirementsFile, 'utf8');
  const version = new RegExp(`^${first}==(.+)$`, 'm').exec(pins)?.[1];
  return `${name} ${version ?? '(not pinned)'}`;
}
