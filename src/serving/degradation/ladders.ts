// The ladders of all models. One timer reads the load, which all models share, and shows it to every ladder. Metrics and
// log show each move. Without the setting there is no timer and no ladder.
import type { Logger } from 'pino';
import { ladderNames } from '../../config/config.js';
import type { Clock } from '../../foundation/clock.js';
import type { StartTimer, Timer } from '../../foundation/timers.js';
import { labelOf } from '../../network/network.js';
import type { Metrics } from '../../telemetry/metrics.js';
import { createLadder, type Ladder } from './ladder.js';
import { type LadderSubject, type Rung, rungsOf } from './rungs.js';

/** Interval between two readings of the load. */
const INTERVAL_MILLISECONDS = 100;

/** What a model makes of the operator's ladder. */
export interface ModelLadder {
  /** Names of the profiles, as the operator gave them. */
  readonly names: readonly string[];
  /** undefined: the model cannot use the ladder. */
  readonly ladder: Ladder | undefined;
  /** Why the model cannot use the ladder, in one sentence; empty if it can. */
  readonly reason: string;
}

export interface Ladders {
  /**
   * The ladder of a model. Call it again when profiles change: the position is kept.
   * @returns undefined: the operator has given no ladder
   */
  of(model: LadderSubject & ModelName): ModelLadder | undefined;
  /** Ends the ladder of a version that is no longer served. */
  forget(model: ModelName): void;
  /** Begins to read the load. */
  start(): void;
  /** Ends the reading. */
  close(): void;
}

interface ModelName {
  readonly name: string;
  readonly version: string;
}

export interface LaddersOptions {
  /** Names of the profiles, comma-separated, dearest first; empty: no ladder. */
  readonly ladder: string;
  readonly targetSeconds: number;
  readonly workers: number;
  /** Time that a new request would wait for a worker. */
  readonly waitSeconds: () => number;
  /** Engine time of all requests since the start, over all workers. */
  readonly engineSeconds: () => number;
  readonly now: Clock;
  readonly startTimer: StartTimer;
  readonly metrics: Pick<
    Metrics,
    'ladderRung' | 'ladderMoves' | 'ladderRefused' | 'ladderTarget' | 'degraded'
  >;
  readonly logger: Logger;
}

export function createLadders(options: LaddersOptions): Ladders {
  const { targetSeconds, workers, metrics, logger } = options;
  const names = ladderNames(options.ladder);
  const known = new Map<string, { readonly labels: Labels; readonly ladder: Ladder }>();
  let timer: Timer | undefined;

  function of({ name: model, version, ...subject }: LadderSubject & ModelName): ModelLadder | undefined {
    if (names.length === 0) return undefined;
    const labels = { model, version };
    const key = labelOf({ name: model, version });
    const rungs = rungsOf(names, subject);
    const reason = typeof rungs === 'string' ? rungs : '';
    metrics.ladderRefused.set(labels, reason === '' ? 0 : 1);
    if (typeof rungs === 'string') {
      known.delete(key);
      metrics.ladderRung.remove(labels);
      logger.error({ ...labels, ladder: names, reason }, 'ladder refused: the model is served without it');
      return { names, ladder: undefined, reason };
    }
    const ladder = createLadder({
      rungs: rungs as [Rung, ...Rung[]],
      targetSeconds,
      workers,
      fullFlops: subject.fullFlops,
      position: known.get(key)?.ladder.position() ?? 0,
    });
    known.set(key, { labels, ladder });
    metrics.ladderRung.set(labels, ladder.position());
    for (const direction of ['degrade', 'restore']) metrics.ladderMoves.inc({ ...labels, direction }, 0);
    for (const profile of names.slice(1)) metrics.degraded.inc({ ...labels, profile }, 0);
    return { names, ladder, reason };
  }

  function readLoad(): void {
    const reading = {
      now: options.now(),
      waitSeconds: options.waitSeconds(),
      engineSeconds: options.engineSeconds(),
    };
    for (const { labels, ladder } of known.values()) {
      const before = ladder.position();
      if (!ladder.observe(reading)) continue;
      const isDegrading = ladder.position() > before;
      metrics.ladderRung.set(labels, ladder.position());
      metrics.ladderMoves.inc({ ...labels, direction: isDegrading ? 'degrade' : 'restore' });
      const { waitSeconds } = reading;
      const profile = ladder.present().name;
      logger.warn(
        { ...labels, profile, from: ladder.rungs[before]?.name, waitSeconds, targetSeconds },
        isDegrading ? 'requests degraded to a cheaper profile' : 'requests moved back to a dearer profile',
      );
    }
    start();
  }

  function start(): void {
    if (names.length > 0) timer = options.startTimer(readLoad, INTERVAL_MILLISECONDS);
  }

  if (names.length > 0) metrics.ladderTarget.set(targetSeconds);
  return {
    of,
    forget: (model) => void known.delete(labelOf(model)),
    start,
    close: () => timer?.close(),
  };
}

type Labels = { readonly model: string; readonly version: string };
