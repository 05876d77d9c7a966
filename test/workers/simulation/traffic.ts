// The requests to a simulated system, and the check of their answers.
import assert from 'node:assert/strict';
import { Failure } from '../../../src/foundation/errors.js';
import { type ExecutionPath, lastStep } from '../../../src/network/execution-path.js';
import { createUsage } from '../../../src/serving/usage.js';
import type { Account, Outcome } from '../../../src/workers/request.js';
import type { Chance } from './chance.js';
import { expectedOutcome, pixelsOf, type Release, releaseOf, simulatedNetwork } from './network.js';
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
  /** What is served at the start. */
  readonly first: Release;
  readonly requests: WatchedRequest[];
  readonly onFault: (error: unknown) => void;
}

export function createTraffic({ system, time, chance, first, requests, onFault }: TrafficOptions) {
  const outcomes: Record<string, number> = {};
  const clients = Array.from({ length: chance.whole(0, 3) }, () => {
    return { weight: chance.between(0.1, 3), isSlow: chance.happens(0.3) };
  });
  /** By request: the FLOPs that its client was told. */
  const settled = new Map<number, number>();
  /** Names of operations in progress. */
  const open = new Set<string>();
  /** What is served at present, and its profiles that every worker has loaded. */
  let current = first;
  let profiles: [number, ...number[]] = [0, 1];
  /** Images in progress on each release. */
  const usage = createUsage();
  let releases = 0;

  function count(outcome: string): void {
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }

  /** Keeps `name` in `open` until `work` has ended. An error of `work` is a fault of the system. */
  async function follow(name: string, work: () => Promise<void>): Promise<void> {
    open.add(name);
    await work().catch(onFault);
    open.delete(name);
  }

  async function using<Result>({ network }: Release, task: () => Promise<Result>): Promise<Result> {
    usage.begin(network.id);
    return task().finally(() => usage.end(network.id));
  }

  function checkAnswer(
    id: number,
    { path, number }: { path: ExecutionPath; number: number },
    deadline: number,
    outcome: Outcome,
  ): void {
    const { step, reason, score, top } = outcome;
    if (reason === 'deadline') assert.ok(time.now() >= deadline, `${id} had time left`);
    else {
      const expected = expectedOutcome(id, path, number);
      assert.deepEqual({ step, reason, score, classIndex: top[0]?.classIndex }, expected);
    }
  }

  /** @returns undefined: the request is of nobody in particular */
  function accountOf(id: number, path: ExecutionPath): Account | undefined {
    const flow = clients[chance.whole(0, clients.length)];
    if (!flow) return undefined;
    open.add(`account of ${id}`);
    return {
      flow,
      expectedFlops: lastStep(path).flops * chance.between(0.1, 1),
      settle(flops) {
        if (!open.delete(`account of ${id}`)) onFault(new Error(`request ${id} is settled twice`));
        const isPossible = flops === 0 || path.some((step) => step.flops === flops);
        if (!isPossible) onFault(new Error(`request ${id} has cost ${flops}`));
        settled.set(id, flops);
      },
    };
  }

  function submit(id: number): void {
    const release = current;
    const path = chance.oneOf(release.pathsByProfile[chance.oneOf(profiles)] ?? [release.fullPath]);
    const deadline = chance.happens(0.2)
      ? time.now() + chance.between(0, LONGEST_SECONDS)
      : Number.POSITIVE_INFINITY;
    const { signal, leave } = createClient();
    const account = accountOf(id, path);
    const client = account?.flow;
    const submitted = time.now();
    const request: WatchedRequest = { id, client, path, submitted, deadline, isOver: false, attempts: 0 };
    requests.push(request);
    if (chance.happens(0.1)) {
      time.after(chance.between(0, LONGEST_SECONDS), () => {
        request.isOver = true;
        leave();
      });
    }
    void follow(`request ${id}`, async () => {
      try {
        const job = {
          network: release.network,
          policy,
          path,
          image: pixelsOf(id),
          topK: 1,
          deadline,
          signal,
          account,
        } as const;
        const outcome = await using(release, () => system.submit(job));
        if (account) assert.equal(settled.get(id), path[outcome.step]?.flops, `the FLOPs of ${id}`);
        checkAnswer(id, { path, number: release.number }, deadline, outcome);
        count('answered');
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        const isAllowed: Partial<Record<Failure['type'], boolean>> = {
          'client-gone': signal.aborted,
          'deadline-exceeded': deadline <= time.now(),
          'worker-lost': system.deaths() > 0,
          'internal-error': system.thrownWith.has(id),
        };
        // Of an image that no worker takes nothing is executed.
        if (account && request.attempts === 0) assert.equal(settled.get(id), 0, `the FLOPs of ${id}`);
        assert.ok(isAllowed[error.type], `request ${id}: ${error.type}: ${error.message}`);
        count(error.type);
      } finally {
        request.isOver = true;
      }
    });
  }

  function submitBackground(id: number): void {
    void follow(`background ${id}`, async () => {
      const release = current;
      const { network, fullPath: path, number } = release;
      const job = { network, policy, path, image: pixelsOf(id) } as const;
      // The job is not retried.
      const answer = await using(release, () => system.submitBackground(job)).catch(() => undefined);
      if (answer) assert.equal(answer.top[0]?.classIndex, expectedOutcome(id, path, number).classIndex);
    });
  }

  /** @returns whether it was loaded; if not, it was refused or no worker is left, and all workers continue as before */
  function loads(network: Release['network']): Promise<boolean> {
    return system.workers.load(network).then(
      () => true,
      () => false,
    );
  }

  function load(profile: number): Promise<void> {
    return follow(`load of profile ${profile}`, async () => {
      if (await loads(simulatedNetwork(current.number, [...profiles, profile]))) profiles.push(profile);
    });
  }

  /** Serves the next release, and releases the present one after its last image. */
  function replace(): Promise<void> {
    const next = releaseOf(++releases);
    return follow(`release ${next.number}`, async () => {
      if (!(await loads(next.network))) return;
      const before = current;
      current = next;
      profiles = [0, 1];
      void usage.over(before.network.id).then(() => system.workers.unload(before.network.id));
      count('replaced');
    });
  }

  return { submit, submitBackground, load, replace, open, outcomes, release: () => current.number };
}
