// Tracing: spans are sent to an OpenTelemetry collector. OpenTelemetry is loaded only if tracing is switched on.
// The standard OTEL_* environment variables (service name, sampler, headers, batches) apply.
import type { Tracer } from '@opentelemetry/api';
import type { Logger } from 'pino';
import { messageOf } from '../foundation/errors.js';
import { version } from '../foundation/version.js';
import { createExemplars, type Exemplars } from './exemplars.js';

/** Timeout of one export with all its retries. An unreachable collector delays the shutdown by at most this. */
const EXPORT_MILLISECONDS = 2000;

export interface Tracing {
  readonly tracer: Tracer;
  readonly exemplars: Exemplars;
  /** Sends the remaining spans, if possible. */
  close(): Promise<void>;
}

/** @param endpoint base address of an OTLP/HTTP receiver, such as http://localhost:4318 */
export async function createTracing(endpoint: string, logger: Logger): Promise<Tracing> {
  const [
    { DiagLogLevel, diag },
    { BasicTracerProvider, BatchSpanProcessor },
    { OTLPTraceExporter },
    { defaultResource, detectResources, envDetector, resourceFromAttributes },
  ] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace-base'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
    import('@opentelemetry/resources'),
  ]);
  const silent = (): void => {};
  const log = (message: string): void => logger.warn({ cause: message }, 'tracing');
  diag.setLogger({ error: log, warn: log, info: silent, debug: silent, verbose: silent }, DiagLogLevel.WARN);

  const named = resourceFromAttributes({ 'service.name': 'rdi-serve', 'service.version': version });
  const url = `${endpoint.replace(/\/$/, '')}/v1/traces`;
  const provider = new BasicTracerProvider({
    resource: defaultResource()
      .merge(named)
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [
      new BatchSpanProcessor(new OTLPTraceExporter({ url, timeoutMillis: EXPORT_MILLISECONDS })),
    ],
  });
  return {
    tracer: provider.getTracer('rdi-serve', version),
    exemplars: createExemplars(),
    // An unreachable collector must not make the shutdown fail.
    close: () => provider.shutdown().catch((error: unknown) => log(messageOf(error))),
  };
}
