// The requests to a simulated system, and the check of their answers.
import assert from 'node:assert/strict';
import { Failure } from '../../../src/foundation/errors.js';
import type { ExecutionPath } from '../../../src/network/execution-path.js';
import type { Network } from '../../../src/network/network.js';
import type { Outcome } from '../../../src/workers/request.js';
import type { Chance } from './chance.js';
import { expectedOutcome, FULL_PATH, pathsByProfile, pixelsOf, sourcesOf } from './network.js';
import type { System } from './system.js';
import type { VirtualTime } from './virtual-time.js';
import type { WatchedRequest } from './watched-workers.js';

const policy = 'max-softmax';
/** Maximum time from a request to its client's disconnection, and to its deadline. */
const LONGEST_SECONDS = 0.1;

/** A client that waits for an answer and may disconnect. */
function createClient() {
  const signal = { aborted: false, addEventListener };
  let onGone = (): void => {};
  function addEventListener(_: 'abort', listener: () => void): void {
    onGone = listener;
  }
  return {
    signal,
    leave() {
      signal.aborted = true;
      onGone();
    },
  };
}

export interface TrafficOptions {
  readonly system: System;
  readonly time: VirtualTime;
  readonly chance: Chance;
  readonly network: Network;
  readonly requests: WatchedRequest[];
  readonly onFault: (error: unknown) => void;
}

export function createTraffic({ system, time, chance, network, requests, onFault }: TrafficOptions) {
  const outcomes: Record<string, number> = {};
  /** Names of operations in progress. */
  const open = new Set<string>();
  /** Profiles that every worker has loaded. */
  const profiles: [number, ...number[]] = [0, 1];

  function count(outcome: string): void {
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }

  /** Keeps `name` in `open` until `work` has ended. An error of `work` is a fault of the system. */
  async function follow(name: string, work: () => Promise<void>): Promise<void> {
    open.add(name);
    await work().catch(onFault);
    open.delete(name);
  }

  function checkAnswer(id: number, path: ExecutionPath, deadline: number, outcome: Outcome): void {
    const { step, reason, score, top } = outcome;
    if (reason === 'deadline') assert.ok(time.now() >= deadline, `${id} had time left`);
    else assert.deepEqual({ step, reason, score, classIndex: top[0]?.classIndex }, expectedOutcome(id, path));
  }

  function submit(id: number): void {
    const path = chance.oneOf(pathsByProfile[chance.oneOf(profiles)] ?? [FULL_PATH]);
    const deadline = chance.happens(0.2)
      ? time.now() + chance.between(0, LONGEST_SECONDS)
      : Number.POSITIVE_INFINITY;
    const client = createClient();
    const request: WatchedRequest = { id, path, deadline, isOver: false, attempts: 0 };
    requests.push(request);
    if (chance.happens(0.1)) {
      time.after(chance.between(0, LONGEST_SECONDS), () => {
        request.isOver = true;
        client.leave();
      });
    }
    void follow(`request ${id}`, async () => {
      try {
        const job = {
          network,
          policy,
          path,
          pixels: pixelsOf(id),
          topK: 1,
          deadline,
          signal: client.signal,
        } as const;
        checkAnswer(id, path, deadline, await system.submit(job));
        count('answered');
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        const isAllowed: Partial<Record<Failure['type'], boolean>> = {
          'client-gone': client.signal.aborted,
          'deadline-exceeded': deadline <= time.now(),
          'worker-lost': system.deaths() > 0,
          'internal-error': system.thrownWith.has(id),
        };
        assert.ok(isAllowed[error.type], `request ${id}: ${error.type}: ${error.message}`);
        count(error.type);
      } finally {
        request.isOver = true;
      }
    });
  }

  function submitBackground(id: number): void {
    void follow(`background ${id}`, async () => {
      const job = { network, policy, path: FULL_PATH, pixels: pixelsOf(id) } as const;
      const answer = await system.submitBackground(job).catch(() => undefined); // the job is not retried
      if (answer) assert.equal(answer.top[0]?.classIndex, expectedOutcome(id, FULL_PATH).classIndex);
    });
  }

  function load(profile: number): Promise<void> {
    return follow(`load of profile ${profile}`, async () => {
      const load = system.workers.load(network.id, sourcesOf(profile));
      // Refused, or no worker is left: all workers continue with their old segments.
      if (
        await load.then(
          () => true,
          () => false,
        )
      )
        profiles.push(profile);
    });
  }

  return { submit, submitBackground, load, open, outcomes };
}
