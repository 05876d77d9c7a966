// Monotonic time, the same in every thread of this process (performance.now() starts anew in each worker).
import { hrtime } from 'node:process';

/** Seconds since an arbitrary moment that all threads share. */
export type Clock = () => number;

export const monotonicSeconds: Clock = () => Number(hrtime.bigint()) / 1e9;
