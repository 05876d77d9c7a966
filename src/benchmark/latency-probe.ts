// One request after the other over one connection: what a lone client of an idle server waits.
import { Agent, request } from 'node:http';
import { monotonicSeconds } from '../clock.js';
import { median, quantile } from './quantile.js';

export interface Latency {
  readonly medianSeconds: number;
  readonly p99Seconds: number;
}

const WARM_UP_REQUESTS = 200;

/** Sends `images` (PNG) in turn for so many seconds. @throws Error if one is not answered with 200 */
export async function probeLatency(
  url: string,
  images: readonly Uint8Array[],
  seconds: number,
): Promise<Latency> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    const ask = (index: number): Promise<number> =>
      timeRequest(url, images[index % images.length] as Uint8Array, agent);
    for (let index = 0; index < WARM_UP_REQUESTS; index++) await ask(index);
    const durations: number[] = [];
    const end = monotonicSeconds() + seconds;
    while (monotonicSeconds() < end) durations.push(await ask(durations.length));
    return { medianSeconds: median(durations), p99Seconds: quantile(durations, 0.99) };
  } finally {
    agent.destroy();
  }
}

/** Seconds from the first byte sent to the last byte received. */
function timeRequest(url: string, image: Uint8Array, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const started = monotonicSeconds();
    const headers = { 'content-type': 'image/png', 'content-length': image.length };
    request(url, { method: 'POST', agent, headers }, (response) => {
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(monotonicSeconds() - started);
        else reject(new Error(`The server answered ${response.statusCode}.`));
      });
      response.resume();
    })
      .on('error', reject)
      .end(image);
  });
}
