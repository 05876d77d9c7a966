// Checks whether TensorFlow can be used on this machine, and whether it finds a GPU.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import type { EngineOptions } from '../engine.js';
import { findBindings } from './bindings.js';

export type TensorFlowFinding =
  | { readonly state: 'usable'; readonly gpu: boolean }
  | { readonly state: 'not-installed' }
  /** `reason`: the loader's message, on one line. */
  | { readonly state: 'cannot-load'; readonly reason: string };

/** With TF_CPP_MIN_LOG_LEVEL below 2, TensorFlow's notes (such as why it uses no GPU) go to standard error. */
export async function probeTensorFlow(device: EngineOptions['device']): Promise<TensorFlowFinding> {
  if (findBindings() === undefined) return { state: 'not-installed' };
  const wantsNotes = Number(process.env['TF_CPP_MIN_LOG_LEVEL'] ?? 2) < 2;
  const child = fork(new URL('./probe-process.js', import.meta.url), [device ?? 'auto'], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let notes = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    notes += chunk.toString();
    if (wantsNotes) process.stderr.write(chunk);
  });
  const answer = once(child, 'message').then(([message]) => message as { gpu: boolean });
  const end = once(child, 'close').then(([code, signal]) => ({ end: signal ?? `exit code ${code}` }));
  const first = await Promise.race([answer, end]);
  if ('gpu' in first) {
    await end;
    return { state: 'usable', gpu: first.gpu };
  }
  const error = /^\w*Error: (.*)$/m.exec(notes)?.[1];
  return { state: 'cannot-load', reason: error ?? `its process ended with ${first.end}` };
}
