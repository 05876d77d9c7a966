// Sizes the thread pool of libuv, in which large images are decoded: one thread for each core, instead of always four.
// Import it before anything that uses the pool. Node 20 uses it to load the program, so there only the environment's own
// UV_THREADPOOL_SIZE counts.
import process from 'node:process';
import { availableCores } from './available-cores.js';

/** libuv's default; the pool also serves files and name look-ups. */
const FEWEST_THREADS = 4;

// An empty variable counts as unset: libuv would take it for 0, and make one thread.
process.env['UV_THREADPOOL_SIZE'] ||= `${Math.max(FEWEST_THREADS, availableCores())}`;
