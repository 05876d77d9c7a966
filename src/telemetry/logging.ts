// The log: one JSON line an event, to standard output. No bodies, no query strings, no headers but the request id.
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';

export function createLogger(level: string, destination?: DestinationStream): Logger {
  const options = { level, base: null, timestamp: stdTimeFunctions.isoTime };
  return destination ? pino(options, destination) : pino(options);
}
