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

/**
 * Where traces are sent: the setting, or what OpenTelemetry's own variables say.
 * https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 * @param setting base address of an OTLP/HTTP receiver, such as http://localhost:4318; empty: none
 * @returns the address of the receiver of traces; undefined: nothing is traced
 */
export function tracesEndpoint(setting: string, environment: NodeJS.ProcessEnv): string | undefined {
  const { OTEL_SDK_DISABLED, OTEL_TRACES_EXPORTER } = environment;
  if (OTEL_SDK_DISABLED?.toLowerCase() === 'true' || OTEL_TRACES_EXPORTER === 'none') return undefined;
  const base = setting || environment['OTEL_EXPORTER_OTLP_ENDPOINT'];
  const own = setting === '' ? environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] : undefined;
  return own || (base ? `${base.replace(/\/$/, '')}/v1/traces` : undefined);
}

/** @param url of the receiver of traces, OTLP over HTTP */
export async function createTracing(url: string, logger: Logger): Promise<Tracing> {
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
