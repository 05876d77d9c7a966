// Starts all servers of a comparison with the same network: this server, and the peers that can be installed.
import { join } from 'node:path';
import { FULL_PROFILE } from '../../src/format/profiles.js';
import { messageOf, UsageError } from '../../src/foundation/errors.js';
import type { ModelPackage } from '../../src/packages/package.js';
import { startServer } from '../load/server-process.js';
import { type Environment, openEnvironment } from './environment.js';
import type { ImagesToSend } from './images.js';
import { type Peer, scriptOf, titleOf } from './peer-list.js';
import { startPeer } from './peer-process.js';
import { writePlainNetwork } from './plain-network.js';
import type { Subject } from './rounds.js';
import { classifyAt } from './same-answers.js';

export interface Contenders {
  /** This server's profile `full`: the reference of all answers. */
  readonly full: Subject;
  /** Other profiles of this server, whose answers may differ. */
  readonly others: readonly Subject[];
  readonly peers: readonly (Subject & { readonly peer: string })[];
  readonly missing: readonly { readonly name: string; readonly reason: string }[];
  stop(): Promise<void>;
}

export interface ContendersOptions {
  readonly models: string;
  readonly model: ModelPackage;
  /** Of this server, besides `full`; undefined: its default. */
  readonly profiles: readonly string[] | undefined;
  readonly peers: readonly Peer[];
  /** The command that makes the peers' environment. */
  readonly python: string;
  /** Folder of that environment; it need not exist. */
  readonly environment: string;
  readonly workers: number;
  /** The first image is sent to a peer to find out whether it is ready. */
  readonly images: ImagesToSend;
  /** For the network, the logs and other files of the peers. */
  readonly folder: string;
  /** Called before each step. */
  onStep(what: string): void;
}

/** The default of this server. */
const MAX_BATCH = 8;
const PATIENCE_SECONDS = 120;

/** @throws UsageError if the model has no such profile */
export async function startContenders(options: ContendersOptions): Promise<Contenders> {
  const { models, model, profiles = [model.defaultProfile], workers, folder, onStep } = options;
  const { name } = model.manifest;
  const lacking = profiles.filter((profile) => !model.profiles.has(profile));
  if (lacking.length > 0) {
    const known = [...model.profiles.keys()].join(', ');
    throw new UsageError(`${name} has no profile ${lacking.join(', ')}, only ${known}.`);
  }
  await writePlainNetwork(model, folder);
  onStep('Starting rdi-serve');
  const server = await startServer({ models, defaultModel: name, workers, auditFraction: 0 });
  const stops = [server.stop];
  const subject = (profile: string): Subject => ({
    name: `rdi-serve ${profile}`,
    url: `${server.url}/classify?${new URLSearchParams({ profile })}`,
    pid: server.pid,
  });

  const started: (Subject & { peer: string })[] = [];
  const missing: { name: string; reason: string }[] = [];
  const environment = openEnvironment(options.python, options.environment);
  // Each peer below reports a failure of the environment. Without peers, a failure does not matter.
  environment.catch(() => {});
  for (const peer of options.peers) {
    try {
      onStep(`Installing (if necessary) and starting ${peer.name}`);
      const { url, pid, stop } = await installAndStart(peer, await environment, options);
      stops.push(stop);
      started.push({ peer: peer.name, name: await titleOf(peer), url, pid });
    } catch (error) {
      missing.push({ name: peer.name, reason: messageOf(error) });
    }
  }
  return {
    full: subject(FULL_PROFILE),
    others: profiles.filter((profile) => profile !== FULL_PROFILE).map(subject),
    peers: started,
    missing,
    async stop() {
      await Promise.all(stops.map((stop) => stop()));
    },
  };
}

async function installAndStart(
  peer: Peer,
  environment: Environment,
  { workers, images: { images, contentType }, folder }: ContendersOptions,
) {
  await environment.install(peer);
  const first = images[0]?.bytes ?? new Uint8Array();
  return startPeer({
    command: environment.python,
    arguments: [scriptOf(peer)],
    environment: {
      PEER_NETWORK: folder,
      PEER_WORKERS: String(workers),
      PEER_MAX_BATCH: String(MAX_BATCH),
      OMP_NUM_THREADS: '1',
      PYTHONDONTWRITEBYTECODE: '1',
      TMPDIR: folder,
      BENTOML_HOME: join(folder, 'bentoml'),
      BENTOML_DO_NOT_TRACK: 'True',
    },
    workingFolder: folder,
    logFile: join(folder, `${peer.name}.log`),
    isReady: (url) =>
      classifyAt(url, first, contentType).then(
        () => true,
        () => false,
      ),
    patienceSeconds: PATIENCE_SECONDS,
  });
}
