// The log: one JSON line per event, on standard output. It contains no bodies, no query strings, and no headers except
// the request id.
import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino';

/** Lines are buffered, so that a busy server does not make one system call per line. */
const BUFFER_BYTES = 4096;
const LONGEST_DELAY_MILLISECONDS = 200;

/** @param stream the destination; default: standard output, buffered, flushed when the process exits */
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
