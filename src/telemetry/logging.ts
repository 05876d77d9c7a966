// The log: one JSON line an event, to standard output. No bodies, no query strings, no headers but the request id.
import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino';

/** Lines are written together, so that a busy server does not make a system call for each. */
const BUFFER_BYTES = 4096;
const LONGEST_DELAY_MILLISECONDS = 200;

/** @param stream where to; by default standard output, buffered, and flushed when the process ends. */
export function createLogger(level: string, stream: DestinationStream = standardOutput()): Logger {
  return pino({ level, base: null, timestamp: stdTimeFunctions.isoTime }, stream);
}

function standardOutput(): DestinationStream {
  return destination({
    dest: 1,
    sync: false,
    minLength: BUFFER_BYTES,
    periodicFlush: LONGEST_DELAY_MILLISECONDS,
  });
}
