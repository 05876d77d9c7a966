// The schemas that have their own names in the OpenAPI document and in generated clients.
import type { PrivacyMode } from '../config/settings.js';
import { Certificate } from '../format/certificate.js';
import { ExitFlops } from '../format/manifest.js';
import { Policy } from '../format/profiles.js';
import {
  Capped,
  Degraded,
  ExitTaken,
  ExplainedExit,
  Explanation,
  FlopsSpent,
  ModelId,
  Prediction,
  RankedClass,
  Reason,
  Timing,
  Typicality,
} from '../serving/prediction.js';
import { StrictPrediction } from '../serving/privacy/telling.js';
import { protocolSchemas } from './inference-protocol/schemas.js';
import { Problem } from './problems.js';
import { Audit, AuditReset } from './routes/audits.js';
import { BatchItem, BatchRequest, BatchResponse } from './routes/classify-batch.js';
import { Liveness, Readiness } from './routes/health.js';
import {
  Engine,
  Ladder,
  Model,
  ModelEngine,
  ModelExample,
  ModelExit,
  ModelInput,
  ModelList,
  ModelProfile,
  ModelTypicality,
  PassedOverEngine,
  ProfileCertificate,
  ProfileExit,
  RefusedModel,
} from './routes/models.js';
import { Slowdown, SlowdownClient, SlowdownReset } from './routes/slowdown.js';

export const namedSchemas = [
  Problem,
  RankedClass,
  ModelId,
  Reason,
  ExitTaken,
  FlopsSpent,
  Timing,
  ExplainedExit,
  Explanation,
  Degraded,
  Capped,
  Typicality,
  Prediction,
  BatchRequest,
  BatchItem,
  BatchResponse,
  PassedOverEngine,
  Engine,
  Certificate,
  ProfileCertificate,
  Policy,
  ProfileExit,
  Audit,
  AuditReset,
  SlowdownClient,
  Slowdown,
  SlowdownReset,
  ModelProfile,
  ModelEngine,
  ModelInput,
  ModelExample,
  ExitFlops,
  ModelExit,
  Ladder,
  ModelTypicality,
  Model,
  RefusedModel,
  ModelList,
  Liveness,
  Readiness,
  ...protocolSchemas,
];

/** The schemas of answers that a strict server does not give. */
const ofWholePredictions: ReadonlySet<object> = new Set([
  RankedClass,
  Reason,
  ExitTaken,
  FlopsSpent,
  Timing,
  ExplainedExit,
  Explanation,
]);

/** The schemas of a server in this privacy mode. */
export function namedSchemasOf(mode: PrivacyMode): typeof namedSchemas {
  if (mode !== 'strict') return namedSchemas;
  return namedSchemas
    .filter((schema) => !ofWholePredictions.has(schema))
    .map((schema) => (schema === Prediction ? (StrictPrediction as unknown as typeof Prediction) : schema));
}
