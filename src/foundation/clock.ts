// Monotonic time that is the same in every thread of this process (performance.now() starts at 0 in each worker).
import { hrtime } from 'node:process';

/** Seconds since an arbitrary moment, the same for all threads. */
export type Clock = () => number;

export const monotonicSeconds: Clock = () => Number(hrtime.bigint()) / 1e9;
