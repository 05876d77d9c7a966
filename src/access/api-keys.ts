// The API keys in use, and the clients that own them. They follow the keys file (follow-keys-file.ts): a client keeps
// its balance when its settings or keys change.
import { timingSafeEqual } from 'node:crypto';
import type { Logger } from 'pino';
import type { Clock } from '../foundation/clock.js';
import type { StartTimer } from '../foundation/timers.js';
import type { Metrics } from '../telemetry/metrics.js';
import { type ChangeableClient, type Client, type ClientSettings, createClient } from './client.js';
import { followKeysFile, type KeysFollower } from './follow-keys-file.js';
import { digestOf, type KeysFile } from './keys-file.js';
import { createRefusalPace } from './refusal-pace.js';

export interface ApiKeys {
  /** The client that owns this key; undefined if the key is unknown. */
  ownerOf(key: string): Client | undefined;
}

export interface ApiKeysOptions {
  readonly file: string;
  /** What `file` said at the start. */
  readonly first: KeysFile;
  /** Interval between checks of the file; 0: no checks. */
  readonly intervalSeconds: number;
  /** Most refusals that wait for their turn. */
  readonly maxRefusalsWaiting: number;
  readonly now: Clock;
  readonly startTimer: StartTimer;
  readonly metrics: Pick<
    Metrics,
    'clientFlops' | 'clientRefusals' | 'forgetClient' | 'observeClients' | 'keysRefused'
  >;
  readonly logger: Logger;
}

/** Least time between two lines of the log that say that the same client has used up its budget. */
const QUIET_SECONDS = 60;

export function createApiKeys(options: ApiKeysOptions): ApiKeys & KeysFollower {
  const { now, metrics, logger } = options;
  const clients = new Map<string, ChangeableClient>();
  const refusalPace = createRefusalPace({ ...options, mostWaiting: options.maxRefusalsWaiting });
  let keys: KeysFile['keys'] = [];

  /** Replaces all keys and settings at once. */
  function use(file: KeysFile): void {
    ({ keys } = file);
    const owners = new Set(keys.map(({ owner }) => owner));
    for (const name of [...clients.keys()].filter((known) => !owners.has(known))) {
      clients.delete(name);
      metrics.forgetClient(name);
    }
    for (const name of owners) {
      const settings = file.settingsOf(name);
      const known = clients.get(name);
      if (known) known.change(settings);
      else clients.set(name, clientOf(name, settings));
    }
  }

  function clientOf(client: string, settings: ClientSettings): ChangeableClient {
    metrics.clientFlops.inc({ client }, 0);
    metrics.clientRefusals.inc({ client }, 0);
    let quietUntil = Number.NEGATIVE_INFINITY;
    const made = createClient({
      name: client,
      settings,
      now,
      refusalPace,
      onExecuted(flops) {
        // An image of a client that has been removed would bring its series back.
        if (clients.get(client) === made) metrics.clientFlops.inc({ client }, flops);
      },
      onRefused(waitSeconds) {
        metrics.clientRefusals.inc({ client });
        if (now() < quietUntil) return;
        quietUntil = now() + QUIET_SECONDS;
        logger.warn({ client, waitSeconds }, 'client refused: it has used up its budget');
      },
    });
    return made;
  }

  use(options.first);
  metrics.observeClients(() => [...clients.values()]);
  return {
    ...followKeysFile({ ...options, onChange: use }),
    ownerOf(key) {
      const presented = digestOf(key);
      // Always compare with all keys, so that the duration reveals nothing.
      const [owned] = keys.filter(({ digest }) => timingSafeEqual(digest, presented));
      return owned && clients.get(owned.owner);
    },
  };
}
