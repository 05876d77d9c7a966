// Tracing: spans go to an OpenTelemetry collector. Nothing of it is even loaded unless it is switched on.
// What the standard OTEL_* environment variables say (service name, sampler, headers, batches) holds.
import type { Tracer } from '@opentelemetry/api';
import type { Logger } from 'pino';
import { messageOf } from '../foundation/errors.js';
import { version } from '../foundation/version.js';
import { createExemplars, type Exemplars } from './exemplars.js';

/** For one export with all its retries; a collector that is away delays the end of the process by no more. */
const EXPORT_MILLISECONDS = 2000;

export interface Tracing {
  readonly tracer: Tracer;
  readonly exemplars: Exemplars;
  /** Sends what is left, if it can. */
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
    // A collector that is away must not spoil an orderly end.
    close: () => provider.shutdown().catch((error: unknown) => log(messageOf(error))),
  };
}
