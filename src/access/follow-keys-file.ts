// Follows the keys file while the server runs: looks at it from time to time, and when asked. A file that is not valid
// changes nothing.
import type { Logger } from 'pino';
import { messageOf } from '../foundation/errors.js';
import type { StartTimer, Timer } from '../foundation/timers.js';
import type { Metrics } from '../telemetry/metrics.js';
import { type KeysFile, parseKeysFile, readKeysText } from './keys-file.js';

export interface KeysFollower {
  /** Uses what is in the file now. Never rejects: the log and the metrics show the result. */
  reload(): Promise<void>;
  /** Ends the checks. */
  close(): void;
}

export interface KeysFollowerOptions {
  readonly file: string;
  /** What was read at the start. */
  readonly first: KeysFile;
  /** Interval between checks; 0: no checks. A change is used when two checks in a row find it. */
  readonly intervalSeconds: number;
  readonly onChange: (file: KeysFile) => void;
  readonly startTimer: StartTimer;
  readonly metrics: Pick<Metrics, 'keysRefused'>;
  readonly logger: Logger;
}

export function followKeysFile(options: KeysFollowerOptions): KeysFollower {
  const { file, first, intervalSeconds, metrics, logger } = options;
  /** What the last check has found; undefined: the file could not be read. */
  let seen: string | undefined = first.text;
  /** What was last used or refused. */
  let tried: string | undefined = first.text;
  let timer: Timer | undefined;
  let isClosed = false;

  /** @param isAsked whether an operator asks for it, and so has finished the file */
  async function check(isAsked: boolean): Promise<void> {
    let text: string;
    try {
      text = await readKeysText(file);
    } catch (error) {
      if (seen !== undefined || isAsked) refuse(error);
      seen = undefined;
      tried = undefined;
      return;
    }
    const isWhole = text === seen;
    seen = text;
    if (isClosed || (!isAsked && (!isWhole || text === tried))) return;
    tried = text;
    try {
      options.onChange(parseKeysFile(file, text));
      metrics.keysRefused.set(0);
      logger.info('API keys reloaded');
    } catch (error) {
      refuse(error);
    }
  }

  function refuse(error: unknown): void {
    metrics.keysRefused.set(1);
    logger.error({ reason: messageOf(error) }, 'API keys refused: the earlier ones stay');
  }

  function start(): void {
    if (intervalSeconds === 0 || isClosed) return;
    timer = options.startTimer(() => void check(false).then(start), intervalSeconds * 1000);
  }

  start();
  return {
    reload: () => check(true),
    close() {
      isClosed = true;
      timer?.close();
    },
  };
}
