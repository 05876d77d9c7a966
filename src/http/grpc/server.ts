// The gRPC server: HTTP/2 on a port of its own. Its methods stand in the files *-service.ts.
import { once, setMaxListeners } from 'node:events';
import { createServer, type Http2Server, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo, ListenOptions } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { ApiKeys } from '../../access/api-keys.js';
import type { Config } from '../../config/settings.js';
import { Health } from '../../protobuf/grpc_health_pb.js';
import { GRPCInferenceService } from '../../protobuf/open_inference_pb.js';
import type { Admission } from '../../serving/admission.js';
import type { Classifier } from '../../serving/classifier.js';
import type { Metrics } from '../../telemetry/metrics.js';
import type { Tracing } from '../../telemetry/tracing.js';
import { createDisclosure } from '../privacy/disclosure.js';
import { createCallHandler } from './answer-call.js';
import { healthMethods } from './health-service.js';
import { inferenceMethods } from './inference-service.js';
import { pathOf } from './method.js';
import { reflectionMethods } from './reflection-service.js';

export interface GrpcServerOptions {
  readonly config: Config;
  readonly classifier: Classifier;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly bytesInFlight: Admission;
  /** undefined: no API key is required. */
  readonly apiKeys?: ApiKeys | undefined;
  /** undefined: no tracing. */
  readonly tracing?: Tracing | undefined;
  /** Whether the process is shutting down. */
  readonly isDraining: () => boolean;
}

export interface GrpcServer {
  /** @returns where it listens. @throws the system's error, such as EADDRINUSE */
  listen(where: ListenOptions): Promise<AddressInfo>;
  /** Answers every call that has begun, of streams every message that has arrived, then closes the connections. */
  close(): Promise<void>;
}

/** Bytes that a connection may send before it hears that they have been taken. */
const CONNECTION_WINDOW = 2 ** 20;
/** The most calls at once on one connection; clients let further ones wait. At least 100, as RFC 9113 recommends. */
const FEWEST_STREAMS = 100;
/** How long clients may begin calls after they are told that the connection closes: some are already on their way. */
const LINGER_MILLISECONDS = 1000;
/** How long clients may still read their answers after the last one has begun. */
const READING_MILLISECONDS = 3000;
const POLL_MILLISECONDS = 10;
/** In a notice that the connection closes: calls that have begun are answered whatever their number. */
const ANY_STREAM = 2 ** 31 - 1;

export async function createGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const { config, tracing } = options;
  const { startRequestTrace } = tracing ? await import('../plugins/request-trace.js') : {};
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const handle = createCallHandler({
    ...options,
    methods: methodsOf(options),
    apiKeys: options.apiKeys,
    closing: closing.signal,
    maxMessageBytes: config.maxBatchBytes,
    requestTimeoutSeconds: config.requestTimeoutSeconds,
    logProbes: config.logProbes,
    startTrace: tracing && startRequestTrace && ((request) => startRequestTrace(tracing, request)),
  });
  const server = createServer({
    settings: { maxConcurrentStreams: Math.max(FEWEST_STREAMS, config.maxInFlight), enablePush: false },
  });
  const open = { calls: 0 };
  const sessions = watchSessions(server, config.keepAliveTimeoutSeconds);
  server.on('stream', (stream, headers) => {
    open.calls++;
    stream.once('close', () => {
      open.calls--;
    });
    handle(stream, headers);
  });

  return {
    async listen(where) {
      server.listen(where);
      await once(server, 'listening');
      return server.address() as AddressInfo;
    },
    async close() {
      if (!server.listening) return;
      server.close();
      for (const session of sessions) session.goaway(0, ANY_STREAM);
      closing.abort();
      await until(() => sessions.size === 0, LINGER_MILLISECONDS);
      for (const session of sessions) session.close();
      await until(() => open.calls === 0);
      await until(() => sessions.size === 0, READING_MILLISECONDS);
      for (const session of sessions) session.destroy();
    },
  };
}

function methodsOf({ config, classifier, metrics, isDraining }: GrpcServerOptions) {
  const { maxBatchImages, maxImageBytes, maxInFlight: places, protocolDatatype: datatype } = config;
  const limits = { maxBatchImages, maxImageBytes };
  const methods = [
    ...inferenceMethods({
      classifier,
      disclosure: createDisclosure(config),
      metrics,
      limits,
      datatype,
      places,
      isDraining,
    }),
    ...healthMethods([GRPCInferenceService.typeName], { classifier, isDraining }),
    ...reflectionMethods([GRPCInferenceService, Health]),
  ];
  return new Map(methods.map((method) => [pathOf(method), method]));
}

/** Closes connections that have been idle for long, with open calls only if the client is gone. @returns those that are open */
function watchSessions(server: Http2Server, idleSeconds: number): Set<ServerHttp2Session> {
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    let calls = 0;
    let isAsked = false;
    const onIdle = (): void => {
      if (calls === 0) session.close();
      else if (isAsked) session.destroy();
      else {
        // A client that is there answers, so it is not idle.
        isAsked = session.ping(() => {
          isAsked = false;
        });
        session.setTimeout(idleSeconds * 1000);
      }
    };
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    session.on('error', () => {}); // of a client that breaks the protocol: the connection closes
    // Of all calls together. By default it holds a few messages, and further calls wait for a turn of the network.
    session.setLocalWindowSize(CONNECTION_WINDOW);
    session.on('stream', (stream) => {
      calls++;
      stream.once('close', () => {
        calls--;
      });
    });
    session.setTimeout(idleSeconds * 1000);
    session.on('timeout', onIdle);
  });
  server.on('sessionError', () => {});
  return sessions;
}

async function until(holds: () => boolean, patience = Number.POSITIVE_INFINITY): Promise<void> {
  const end = performance.now() + patience;
  while (performance.now() < end && !holds()) await sleep(POLL_MILLISECONDS);
}
