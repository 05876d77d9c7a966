// Where the log goes: a file descriptor that may stop taking lines at any time, because a disk is full or a reader has
// stalled. The service goes on: lines wait in a bounded buffer, further ones are dropped and counted.
import { constants, fstatSync, openSync, write as writeFile, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { DestinationStream } from 'pino';

/** Lines are buffered, so that a busy server does not make one system call per line. */
const BUFFER_BYTES = 4096;
const LONGEST_DELAY_MILLISECONDS = 200;
/** Most bytes that wait while the descriptor takes none; about five thousand lines. */
const MOST_WAITING_BYTES = 1024 * 1024;
/** How long the end of the process may wait for a slow reader. */
const LAST_WORDS_MILLISECONDS = 500;
const POLL_MILLISECONDS = 10;

export interface LogOutput extends DestinationStream {
  /** How many lines have been dropped so far. */
  dropped(): number;
  /** Writes what waits, for at most half a second. Call when the process ends. */
  writeLastWords(): void;
}

/** Calls back with the number of bytes that were written; 0 if the descriptor takes none at the moment. */
type Write = (bytes: Buffer, done: (written: number) => void) => void;

/**
 * @param descriptor open for writing, such as 1 for standard output
 * @param onResumed called with the number of dropped lines when the descriptor takes lines again
 */
export function createLogOutput(descriptor: number, onResumed: (dropped: number) => void): LogOutput {
  const { fd, isNonBlocking } = unblocked(descriptor);
  const write = isNonBlocking ? writeAtOnce(fd) : writeInBackground(fd);
  let lines: string[] = [];
  let waitingBytes = 0;
  /** What is left of the lines that are being written; they are never cut, because the rest is always tried again. */
  let current: Buffer = Buffer.alloc(0);
  let isWriting = false;
  let isStalled = false;
  let dropped = 0;
  let reported = 0;
  let timer: NodeJS.Timeout | undefined;

  return {
    write(line) {
      const bytes = Buffer.byteLength(line);
      if (waitingBytes + bytes > MOST_WAITING_BYTES) {
        dropped++;
        return;
      }
      lines.push(line);
      waitingBytes += bytes;
      if (waitingBytes >= BUFFER_BYTES && !isStalled) flush();
      else flushLater();
    },
    dropped: () => dropped,
    writeLastWords() {
      // The thread that writes in the background ends before the process does.
      if (isWriting) advance(current.length);
      const end = performance.now() + LAST_WORDS_MILLISECONDS;
      do {
        takeLines();
        const written = tryWrite(fd, current);
        advance(written);
        if (written === 0) sleepSync(POLL_MILLISECONDS);
      } while (waitingBytes > 0 && performance.now() < end);
    },
  };

  function flushLater(): void {
    // Does not keep the process alive: at its end the last words are written.
    timer ??= setTimeout(flush, LONGEST_DELAY_MILLISECONDS).unref();
  }

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (isWriting) return;
    takeLines();
    if (current.length === 0) return;
    isWriting = true;
    write(current, (written) => {
      isWriting = false;
      isStalled = written === 0;
      advance(written);
      if (waitingBytes >= BUFFER_BYTES && !isStalled) flush();
      else if (waitingBytes > 0) flushLater();
      if (waitingBytes === 0 && dropped > reported) reportDropped();
    });
  }

  function reportDropped(): void {
    const lines = dropped - reported;
    reported = dropped;
    onResumed(lines);
  }

  function takeLines(): void {
    if (current.length > 0 || lines.length === 0) return;
    current = Buffer.from(lines.join(''));
    lines = [];
  }

  function advance(written: number): void {
    current = current.subarray(written);
    waitingBytes -= written;
  }
}

/**
 * A descriptor of the same file whose writes return at once, if there is one. Writes to a pipe or a terminal would
 * otherwise wait for its reader, and a process with a thread that waits so cannot end. For regular files there is none;
 * the system writes them within a limited time.
 */
function unblocked(fd: number): { fd: number; isNonBlocking: boolean } {
  try {
    const kind = fstatSync(fd);
    if (kind.isFile()) return { fd, isNonBlocking: false };
    if (kind.isSocket()) {
      sockets.push(new Socket({ fd, readable: false }));
      return { fd, isNonBlocking: true };
    }
    // Opened anew, so that other processes with the same descriptor do not become non-blocking too.
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
    return { fd: openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY), isNonBlocking: true };
  } catch {
    return { fd, isNonBlocking: false }; // no /proc, or no permission: as before
  }
}

/** Node makes a descriptor non-blocking when it becomes a Socket. They are kept because a collected Socket closes it. */
const sockets: Socket[] = [];

function writeAtOnce(fd: number): Write {
  return (bytes, done) => done(tryWrite(fd, bytes));
}

function writeInBackground(fd: number): Write {
  return (bytes, done) => writeFile(fd, bytes, (error, written) => done(error ? 0 : written));
}

/** @returns how many bytes were written; 0 also for every error: full disk, full pipe, no reader */
function tryWrite(fd: number, bytes: Buffer): number {
  try {
    return writeSync(fd, bytes);
  } catch {
    return 0;
  }
}

function sleepSync(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
