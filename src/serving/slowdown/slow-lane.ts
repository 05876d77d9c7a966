// Whose places a request takes. Requests in the slow lane wait long. So all of them together have few places, for images
// and for bytes, and leave the others to those who are served at once.
import type { Client } from '../../access/client.js';
import { SLOW_LANE } from '../admission.js';
import type { Caller } from './slowdown-watch.js';

/**
 * @param client the owner of the API key; undefined: none is required
 * @param caller undefined: clients are not tested
 * @returns a holder for `Admission`; undefined: nobody in particular
 */
export function holderOf(client: Client | undefined, caller: Caller | undefined): object | undefined {
  return caller?.slowLane() ? SLOW_LANE : client;
}
