// Measures the latency that a single client of an idle server sees: one request after the other on one connection.
import { monotonicSeconds } from '../../src/foundation/clock.js';
import { median, quantile } from '../../src/foundation/quantile.js';
import { createKeepAliveConnection, encodeRequest } from './keep-alive-connection.js';

export interface Latency {
  readonly medianSeconds: number;
  readonly p99Seconds: number;
}

const WARM_UP_REQUESTS = 200;

/** Sends `images` (PNG) in turn for `seconds`. @throws Error if a request is not answered with 200 */
export async function probeLatency(
  url: string,
  images: readonly Uint8Array[],
  seconds: number,
): Promise<Latency> {
  const target = new URL(url);
  const requests = images.map((image) => encodeRequest(target, image));
  const connection = createKeepAliveConnection(target);
  const ask = async (index: number): Promise<number> => {
    const answer = await connection.exchange(requests[index % requests.length] as Uint8Array);
    if (answer.status !== 200) throw new Error(`The server answered ${answer.status}.`);
    return answer.seconds;
  };
  try {
    for (let index = 0; index < WARM_UP_REQUESTS; index++) await ask(index);
    const durations: number[] = [];
    const end = monotonicSeconds() + seconds;
    while (monotonicSeconds() < end) durations.push(await ask(durations.length));
    return { medianSeconds: median(durations), p99Seconds: quantile(durations, 0.99) };
  } finally {
    connection.close();
  }
}
