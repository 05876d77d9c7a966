// The bytes of all bodies in flight, whichever port they arrive at.
import type { Config } from '../../config/settings.js';
import { type Admission, createAdmission } from '../../serving/admission.js';
import type { Metrics } from '../../telemetry/metrics.js';

export function createBytesInFlight(
  { maxBytesInFlight }: Pick<Config, 'maxBytesInFlight'>,
  metrics: Pick<Metrics, 'observe'>,
): Admission {
  const admission = createAdmission(
    maxBytesInFlight,
    `There is no room for this body: other requests use most of the ${maxBytesInFlight} bytes for bodies in flight.`,
  );
  metrics.observe({ inFlightBytes: admission.inside, maxBytesInFlight });
  return admission;
}
