// The log: one JSON line per event. It contains no bodies, no query strings, and no headers except the request id.
import process from 'node:process';
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';
import { createLogOutput } from './log-output.js';

const STANDARD_OUTPUT = 1;

export function createLogger(level: string, stream: DestinationStream): Logger {
  return pino({ level, base: null, timestamp: stdTimeFunctions.isoTime }, stream);
}

/** The log of a process, on standard output; what still waits is written when the process exits. */
export function createProcessLog(level: string): { readonly logger: Logger; droppedLines(): number } {
  const output = createLogOutput(STANDARD_OUTPUT, (lines) => logger.warn({ lines }, 'log lines dropped'));
  const logger = createLogger(level, output);
  process.once('exit', output.writeLastWords);
  return { logger, droppedLines: output.dropped };
}
