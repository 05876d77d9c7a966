// grpc.health.v1.Health, which Kubernetes and load balancers ask: it says what /readyz says. Watch is not offered; clients
// then take the server for healthy until a call fails.
import { Failure } from '../../foundation/errors.js';
import { Health, HealthCheckResponse_ServingStatus as ServingStatus } from '../../protobuf/grpc_health_pb.js';
import { type HealthOptions, isReady } from '../routes/health.js';
import { type Method, unary } from './method.js';

/** @param services that exist, by their full names */
export function healthMethods(services: readonly string[], options: HealthOptions): Method[] {
  return [
    unary(
      Health.method.check,
      ({ service }) => {
        if (service !== '' && !services.includes(service)) {
          throw new Failure(
            'unknown-model',
            `There is no service ${JSON.stringify(service.slice(0, 64))} here.`,
          );
        }
        return { status: isReady(options) ? ServingStatus.SERVING : ServingStatus.NOT_SERVING };
      },
      { isProbe: true },
    ),
  ];
}
