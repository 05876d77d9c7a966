// grpc.health.v1.Health, which Kubernetes and load balancers ask: it says what /readyz says, once or at every change.
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../../foundation/errors.js';
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '../../protobuf/grpc_health_pb.js';
import { createAdmission } from '../../serving/admission.js';
import { type HealthOptions, isReady, shuttingDown } from '../routes/health.js';
import { decodeMessage } from './decode-message.js';
import { type Exchange, encode, type Method, stream, unary } from './method.js';

/** Who watches needs no API key, and stays. */
const MOST_WATCHERS = 100;
const POLL_MILLISECONDS = 100;

/** @param services that exist, by their full names */
export function healthMethods(services: readonly string[], options: HealthOptions): Method[] {
  const exists = (service: string): boolean => service === '' || services.includes(service);
  const status = (): ServingStatus => (isReady(options) ? ServingStatus.SERVING : ServingStatus.NOT_SERVING);
  const watchers = createAdmission(
    MOST_WATCHERS,
    `${MOST_WATCHERS} clients watch the health of this server already; use Check.`,
  );

  async function watch({ receiver, signal, closing, send }: Exchange): Promise<void> {
    const { bytes, leave: leaveMessage } = await receiver.only();
    leaveMessage();
    const { service } = decodeMessage(HealthCheckRequestSchema, bytes);
    const leave = watchers.enter();
    try {
      let told: ServingStatus | undefined;
      while (!signal.aborted) {
        const isClosing = closing.aborted;
        const now = isClosing ? ServingStatus.NOT_SERVING : status();
        const known = exists(service) ? now : ServingStatus.SERVICE_UNKNOWN;
        if (known !== told) await send(encode(HealthCheckResponseSchema, { status: known }));
        told = known;
        if (isClosing) throw shuttingDown();
        await sleep(POLL_MILLISECONDS);
      }
    } finally {
      leave();
    }
  }

  return [
    unary(
      Health.method.check,
      ({ service }) => {
        if (exists(service)) return { status: status() };
        throw new Failure(
          'unknown-model',
          `There is no service ${JSON.stringify(service.slice(0, 64))} here.`,
        );
      },
      { isProbe: true },
    ),
    stream(Health.method.watch, watch, { isProbe: true }),
  ];
}
