// The servers that this one is compared with: what each is installed from, and what starts it.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

export interface Peer {
  readonly name: string;
  /** Of the Python package that it is; the first of `packages`. */
  readonly packages: readonly [string, ...string[]];
  /** In bench/peers/servers/. */
  readonly script: string;
}

/** What uvicorn takes if it is there: its docs call it the faster choice. */
const FAST_UVICORN = ['uvicorn', 'uvloop', 'httptools'] as const;

export const peers: readonly Peer[] = [
  { name: 'mosec', packages: ['mosec'], script: 'mosec_server.py' },
  { name: 'fastapi', packages: ['fastapi', ...FAST_UVICORN], script: 'fastapi_server.py' },
  { name: 'litserve', packages: ['litserve', ...FAST_UVICORN], script: 'litserve_server.py' },
  { name: 'bentoml', packages: ['bentoml', ...FAST_UVICORN], script: 'bento_server.py' },
];

/** What every peer runs the network with: servers/plain_network.py. */
export const networkPackages: readonly string[] = ['numpy', 'onnxruntime', 'pillow'];

/** From dist/bench/peers/, where this file is when it runs. */
const sources = new URL('../../../bench/peers/', import.meta.url);

/** Every package, and all that they need, pinned. */
export const requirementsFile = fileURLToPath(new URL('requirements.txt', sources));

export function scriptOf({ script }: Peer): string {
  return fileURLToPath(new URL(`servers/${script}`, sources));
}

/** Name and version, as the requirements pin it. */
export async function titleOf({ name, packages: [first] }: Peer): Promise<string> {
  const pins = await readFile(requirementsFile, 'utf8');
  const version = new RegExp(`^${first}==(.+)$`, 'm').exec(pins)?.[1];
  return `${name} ${version ?? '(not pinned)'}`;
}
