// What is known of each client. Memory is bounded: the clients that have sent nothing for longest are forgotten, those
// with an alarm apart from the others, so that a crowd of new clients cannot make the server forget an alarm.
import { LRUCache } from 'lru-cache';
import {
  type CostEvidence,
  costEvidence,
  createCostEvidence,
} from '../../calibration/statistics/cost-monitor.js';
import type { Flow } from '../../workers/fair-sharing/fair-sharing.js';

export interface ClientRecord {
  readonly evidence: CostEvidence;
  /** FLOPs executed for the observed images. */
  flops: number;
  /** Sum of the certified means for the same images. */
  expectedFlops: number;
  /** When the alarm was raised, milliseconds since 1970; 0: it was not. */
  alarmedAt: number;
  /** Its images in the slow lane; undefined: there was no alarm. */
  slowFlow: Flow | undefined;
}

export interface Clients {
  /** The record of a client that has sent an image, now the most recent one. A new client gets a new record. */
  recordOf(client: string): ClientRecord;
  isAlarmed(client: string): boolean;
  /** As in the record. */
  slowFlowOf(client: string): Flow | undefined;
  /** Notes the alarm. */
  raise(client: string, record: ClientRecord, now: number): void;
  /** Forgets a client. @returns what was known; undefined: nothing was */
  forget(client: string): ClientRecord | undefined;
  /** Clients with an alarm, the latest alarm first. */
  alarmed(count: number): [string, ClientRecord][];
  /** The clients without an alarm that have the most evidence against them, most first. */
  suspects(count: number): [string, ClientRecord][];
  /** Number of clients without and with an alarm. */
  sizes(): { readonly watched: number; readonly alarmed: number };
}

/**
 * @param limit of each of the two groups. @param onForget called for each client that is forgotten for want of room
 */
export function createClients(limit: number, onForget: () => void): Clients {
  const group = () =>
    new LRUCache<string, ClientRecord>({
      max: limit,
      dispose(_record, _client, reason) {
        if (reason === 'evict') onForget();
      },
    });
  const watched = group();
  const alarmed = group();

  return {
    recordOf(client) {
      const known = alarmed.get(client) ?? watched.get(client);
      if (known) return known;
      const record: ClientRecord = {
        evidence: createCostEvidence(),
        flops: 0,
        expectedFlops: 0,
        alarmedAt: 0,
        slowFlow: undefined,
      };
      watched.set(client, record);
      return record;
    },
    isAlarmed: (client) => alarmed.get(client) !== undefined,
    slowFlowOf: (client) => alarmed.get(client)?.slowFlow,
    raise(client, record, now) {
      record.alarmedAt = now;
      record.slowFlow = { weight: 1, isSlow: true };
      watched.delete(client);
      alarmed.set(client, record);
    },
    forget(client) {
      const record = alarmed.get(client) ?? watched.get(client);
      alarmed.delete(client);
      watched.delete(client);
      return record;
    },
    alarmed: (count) =>
      [...alarmed.entries()].sort(([, one], [, other]) => other.alarmedAt - one.alarmedAt).slice(0, count),
    suspects(count) {
      const most: [string, ClientRecord][] = [];
      for (const entry of watched.entries()) {
        most.push(entry);
        if (most.length >= 2 * count) keepMost(most, count);
      }
      keepMost(most, count);
      return most;
    },
    sizes: () => ({ watched: watched.size, alarmed: alarmed.size }),
  };
}

function keepMost(entries: [string, ClientRecord][], count: number): void {
  entries.sort(([, one], [, other]) => costEvidence(other.evidence) - costEvidence(one.evidence));
  entries.length = Math.min(entries.length, count);
}
