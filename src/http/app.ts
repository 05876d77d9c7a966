// The HTTP application. Hooks, plugins and routes are registered in the order in which they handle a request.
import type { IncomingMessage } from 'node:http';
import fastify, { type FastifyBaseLogger, LogController } from 'fastify';
import type { Logger } from 'pino';
import type { ApiKeys } from '../access/api-keys.js';
import type { Config } from '../config/settings.js';
import { version } from '../foundation/version.js';
import type { Admission } from '../serving/admission.js';
import type { Classifier } from '../serving/classifier.js';
import type { Metrics } from '../telemetry/metrics.js';
import type { Tracing } from '../telemetry/tracing.js';
import { createErrorHandler, notFound } from './answer-errors.js';
import { admitBodies } from './bodies/admit-bodies.js';
import { createBytesInFlight } from './bodies/bytes-in-flight.js';
import { jsonBodies } from './bodies/json-bodies.js';
import { answerHalfClosed } from './connections/half-closed.js';
import { orderlyClose } from './connections/orderly-close.js';
import { createRetryPace, paceRetries } from './connections/pace-retries.js';
import { createParserRefusals } from './connections/parser-refusals.js';
import { closePipelinedResponses } from './connections/pipelined-responses.js';
import { refuseOddHeads } from './connections/refuse-odd-heads.js';
import { createEndWatch, createNoteEnd } from './connections/request-ended.js';
import { protocolHealthRoutes } from './inference-protocol/health.js';
import { inferRoutes } from './inference-protocol/infer.js';
import { metadataRoutes } from './inference-protocol/metadata.js';
import { tritonRoutes } from './inference-protocol/triton.js';
import { enforceBudgets } from './plugins/enforce-budgets.js';
import { refuseOtherMethods } from './plugins/method-not-allowed.js';
import { requireApiKey } from './plugins/require-api-key.js';
import { SECURITY_HEADERS, securityHeaders } from './plugins/security-headers.js';
import { createDisclosure } from './privacy/disclosure.js';
import { requestIdOf } from './request-id.js';
import { auditRoutes } from './routes/audits.js';
import { classifyRoutes } from './routes/classify.js';
import { classifyBatchRoutes } from './routes/classify-batch.js';
import { healthRoutes } from './routes/health.js';
import { metricsRoutes } from './routes/metrics.js';
import { modelExampleRoutes } from './routes/model-examples.js';
import { modelRoutes } from './routes/models.js';
import { openapi } from './routes/openapi.js';
import { pageRoutes } from './routes/page.js';
import { slowdownRoutes } from './routes/slowdown.js';
import { namedSchemasOf } from './schemas.js';
import { createSerializerCompiler } from './serialization.js';
import { createServer } from './server.js';
import { shortClassify } from './short-path/classify.js';
import { shortInfer } from './short-path/infer.js';
import { createShortPath, type ShortPath } from './short-path/short-path.js';
import { createValidatorCompiler } from './validation.js';

/** For bodies of routes without their own limit. */
const BODY_LIMIT_BYTES = 64 * 1024;

export interface AppOptions {
  readonly config: Config;
  readonly classifier: Classifier;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** undefined: no API key is required. */
  readonly apiKeys?: ApiKeys | undefined;
  /** undefined: no tracing. */
  readonly tracing?: Tracing | undefined;
  /** Shared with other servers of this process; without it, the app's own. */
  readonly bytesInFlight?: Admission;
  /** Whether the process is shutting down; /readyz then answers 503. */
  readonly isDraining: () => boolean;
}

export type App = Awaited<ReturnType<typeof buildApp>>;

/** @returns a Fastify application that is ready to listen. Close the classifier after it: the app does not own it. */
export async function buildApp(options: AppOptions) {
  const { config, classifier, metrics, logger, apiKeys, tracing, isDraining } = options;
  const refusals = createParserRefusals(metrics, logger);
  const lingerMilliseconds = config.requestTimeoutSeconds * 1000;
  const answerError = createErrorHandler(metrics, refusals, lingerMilliseconds);
  const retryPace = createRetryPace();
  const noteEnd = createNoteEnd(metrics, refusals, config);
  const handedOver = (request: IncomingMessage) => shortPath?.handedOver(request);
  const watchEnd = createEndWatch(noteEnd, refusals, (request) => handedOver(request)?.milliseconds ?? 0);
  const bytesInFlight = options.bytesInFlight ?? createBytesInFlight(config, metrics);
  const disclosure = createDisclosure(config);
  const { maxImageBytes, maxBatchImages, maxBatchBytes, protocolDatatype: datatype } = config;
  const classify = { classifier, disclosure, maxImageBytes };
  const infer = { ...classify, maxBatchImages, maxBatchBytes };
  const namedSchemas = namedSchemasOf(config.privacy);
  let shortPath: ShortPath | undefined;
  const app = fastify({
    loggerInstance: logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    genReqId: (request) => handedOver(request)?.requestId ?? requestIdOf(request),
    serverFactory(handler) {
      // Traces are made by hooks.
      if (!tracing)
        shortPath = createShortPath({
          ...options,
          routes: [shortClassify(classify), shortInfer(infer)],
          tellsBudgets: disclosure.mode !== 'strict',
          bytesInFlight,
          refusals,
          noteEnd,
          retryPace,
          lingerMilliseconds,
          requestIdOf,
          handler,
        });
      return createServer(config, (request, response) => {
        if (!shortPath?.take(request, response)) handler(request, response);
      });
    },
    bodyLimit: BODY_LIMIT_BYTES,
    return503OnClosing: false,
    clientErrorHandler: refusals.answer,
    // For URLs that the router cannot parse. Fastify calls no hooks for them.
    frameworkErrors: (error, request, reply) => {
      watchEnd(request, reply);
      reply.headers(SECURITY_HEADERS);
      answerError(error, request, reply);
    },
    routerOptions: { maxParamLength: 256 },
  });
  answerHalfClosed(app.server, closePipelinedResponses(app.server));
  app.setValidatorCompiler(createValidatorCompiler(namedSchemas));
  app.setSerializerCompiler(createSerializerCompiler(namedSchemas));
  const refuseMethods = refuseOtherMethods(app);

  app.decorateRequest('trace', undefined);
  if (tracing) {
    const { traceRequests } = await import('./plugins/trace-requests.js');
    await app.register(traceRequests, { tracing });
  }
  app.addHook('onRequest', (request, reply, done) => {
    watchEnd(request, reply);
    done();
  });
  await app.register(securityHeaders, { corsOrigins: config.corsOrigins });
  await app.register(refuseOddHeads, { refusals });
  await app.register(requireApiKey, { apiKeys });
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    // Refuse before the body is read: the answer does not depend on it.
    done(request.is404 ? notFound(request) : handedOver(request.raw)?.error);
  });

  app.setErrorHandler(answerError);
  app.setNotFoundHandler((request) => {
    throw notFound(request);
  });
  for (const schema of namedSchemas) app.addSchema(schema);
  await app.register(paceRetries, { pace: retryPace });
  await app.register(orderlyClose);
  await app.register(jsonBodies);
  await app.register(openapi, {
    version,
    docs: config.docs,
    hasApiKeys: apiKeys !== undefined,
    privacy: config.privacy,
  });
  if (config.page) await app.register(pageRoutes, { docs: config.docs });
  await app.register(metricsRoutes, { metrics, exemplars: tracing?.exemplars });
  await app.register(healthRoutes, { isDraining, classifier });
  await app.register(modelRoutes, { classifier, disclosure });
  await app.register(modelExampleRoutes, { classifier });
  await app.register(auditRoutes, { classifier, operatorRoutes: config.operatorRoutes });
  await app.register(slowdownRoutes, { classifier, operatorRoutes: config.operatorRoutes });
  await app.register(protocolHealthRoutes, { isDraining, classifier });
  await app.register(metadataRoutes, { classifier, disclosure, datatype });
  await app.register(tritonRoutes, { classifier, disclosure, metrics, maxBatchImages, datatype });
  await app.register(enforceBudgets, { mode: config.privacy });
  await app.register(admitBodies, { admission: bytesInFlight, classifier });
  await app.register(classifyRoutes, classify);
  await app.register(classifyBatchRoutes, { ...infer, metrics });
  await app.register(inferRoutes, infer);
  refuseMethods();
  await app.ready();
  return app;
}
