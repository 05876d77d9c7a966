// The thread that resizes large images; resampler.ts gives it one after another.
import { parentPort } from 'node:worker_threads';
import { invariant, messageOf } from '../../foundation/errors.js';
import { type Decoded, type Resampled, resample } from './resample.js';

export interface ResampleJob {
  readonly image: Decoded;
  readonly input: Resampled;
}

export type ResampleOutcome = { readonly pixels: Uint8Array } | { readonly failed: string };

const port = parentPort;
invariant(port, 'resample-thread.ts runs in a thread');
port.on('message', ({ image, input }: ResampleJob) => {
  try {
    const pixels = resample(image, input);
    port.postMessage({ pixels } satisfies ResampleOutcome, [pixels.buffer]);
  } catch (error) {
    port.postMessage({ failed: messageOf(error) } satisfies ResampleOutcome);
  }
});
