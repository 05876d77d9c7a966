// A wrapper between dispatcher and pool that checks every batch: its requests, their departures and its end.
import assert from 'node:assert/strict';
import type { Batch } from '../../../src/workers/batch.js';
import type { Workers } from '../../../src/workers/dispatcher.js';
import type { Flow } from '../../../src/workers/fair-sharing/fair-sharing.js';
import { SLOW_LANE_SECONDS } from '../../../src/workers/fair-sharing/slow-lane.js';
import { idOf } from './network.js';

export interface WatchedRequest {
  readonly id: number;
  /** The client that sent it: its flow. */
  readonly client: Flow | undefined;
  readonly path: Batch['command']['path'];
  readonly submitted: number;
  readonly deadline: number;
  /** The client has disconnected, or the request is answered. */
  isOver: boolean;
  /** Number of workers to which the request was given. */
  attempts: number;
}

export interface WatchOptions {
  readonly maxBatch: number;
  readonly now: () => number;
  /** All requests in the order of submission, without background work. */
  readonly requests: readonly WatchedRequest[];
}

/** Wraps `workers` and checks every batch. A violation throws where it happens. */
export function watchWorkers<Pool extends Workers>(workers: Pool, options: WatchOptions): Pool {
  const byId = new Map<number, WatchedRequest>();
  const left = new Set<number>();
  let background = 0;
  /** When a request of the slow lane was last given to a worker. */
  let slowLaneMoved = Number.NEGATIVE_INFINITY;

  function requestOf(id: number): WatchedRequest | undefined {
    const known = byId.get(id);
    if (known) return known;
    for (const one of options.requests) byId.set(one.id, one);
    return byId.get(id);
  }

  function checkOrder(members: readonly WatchedRequest[], batch: Batch): void {
    const [first] = members;
    const isWaiting = ({ isOver, attempts, deadline }: WatchedRequest): boolean =>
      !isOver && attempts === 0 && deadline > options.now();
    const waiting = options.requests.filter(isWaiting);
    if (batch.alone) {
      assert.equal(members.length, 1, 'a request that runs alone has no other beside it');
      if (first?.attempts === 1) return;
      assert.ok(first?.client?.isSlow, 'a request that runs alone has lost a worker, or is in the slow lane');
      const [longest] = waiting.filter(({ client }) => client?.isSlow);
      const since = Math.max(longest?.submitted ?? 0, slowLaneMoved);
      const isAfterOthers = waiting.every(({ client }) => client?.isSlow);
      assert.ok(
        isAfterOthers || options.now() - since >= SLOW_LANE_SECONDS,
        'the slow lane lets others pass',
      );
      slowLaneMoved = options.now();
    } else {
      assert.ok(
        members.every(({ attempts, client }) => attempts === 0 && !client?.isSlow),
        'no request that is retried, or in the slow lane, shares a batch',
      );
    }
    const oldest = waiting.find(({ client }) => client === first?.client);
    assert.equal(first, oldest, 'the oldest request of a client goes first');
    for (const { client } of members) {
      const isOne = (one: WatchedRequest): boolean => one.client === client && one.path === first?.path;
      const taken = members.filter(isOne);
      const there = waiting.filter(isOne).slice(0, taken.length);
      assert.deepEqual(taken, there, 'requests of one client on one path keep their order');
    }
  }

  function watchRequests(batch: Batch, ids: readonly number[]): Batch {
    const members = ids.map((id) => requestOf(id)).filter((one) => one !== undefined);
    assert.equal(members.length, ids.length, 'requests and background work share no batch');
    assert.ok(ids.length <= options.maxBatch, `a batch of ${ids.length}`);
    assert.ok(
      members.every(({ path }) => path === batch.command.path),
      'a batch has one path',
    );
    checkOrder(members, batch);
    for (const one of members) one.attempts++;
    const present = new Set(ids.keys());
    return watchEnd({
      ...batch,
      onProgress(progress) {
        for (const { image } of progress.leavers) {
          const id = ids[image] as number;
          assert.ok(present.delete(image), `image ${id} leaves a batch twice`);
          assert.ok(!left.has(id), `image ${id} is answered twice`);
          left.add(id);
        }
        batch.onProgress(progress);
      },
    });
  }

  function watchBackground(batch: Batch): Batch {
    assert.equal(++background, 1, 'one image at a time runs in the background');
    return watchEnd(batch, () => background--);
  }

  return {
    ...workers,
    run(batch) {
      const { images, deadlines } = batch.command;
      const size = images.length / deadlines.length;
      const ids = deadlines.map((_, image) => idOf(images.subarray(image * size, (image + 1) * size)));
      const isRequest = requestOf(ids[0] as number) !== undefined;
      return workers.run(isRequest ? watchRequests(batch, ids) : watchBackground(batch));
    },
  };
}

/** @param after called when the batch has ended, before the batch is notified */
function watchEnd(batch: Batch, after = () => {}): Batch {
  let hasEnded = false;
  function end(): void {
    assert.ok(!hasEnded, 'a batch ends once');
    hasEnded = true;
    after();
  }
  return {
    ...batch,
    onProgress(progress) {
      assert.ok(!hasEnded, 'no report arrives for a batch that has ended');
      batch.onProgress(progress);
    },
    onDone() {
      end();
      batch.onDone();
    },
    onFailed(reason) {
      end();
      batch.onFailed(reason);
    },
    onLost() {
      end();
      batch.onLost();
    },
  };
}
