// Counts every answer once in the metrics.
import type { Metrics } from '../telemetry/metrics.js';
import type { Outcome } from '../workers/request.js';
import type { Prediction } from './prediction.js';

export function countPrediction(
  metrics: Metrics,
  prediction: Prediction,
  outcome: Outcome,
  decodeSeconds: number,
): void {
  const { exit, flops, timing, profile } = prediction;
  const { name: model, version } = prediction.model;
  const labels = { model, version };
  const labelsOfExit = { model, version, exit: exit.index };
  metrics.predictions.inc({ model, version, profile, exit: exit.index, reason: exit.reason });
  if (prediction.typicality) {
    metrics.typicality.observe(labels, prediction.typicality.pValue);
    if (!prediction.typicality.typical) metrics.atypical.inc(labels);
  }
  if (prediction.degraded) metrics.degraded.inc({ model, version, profile });
  if (prediction.capped) metrics.slowdownCapped.inc(labels);
  metrics.requestFlops.observe(labels, flops.executed);
  metrics.flops.inc(labels, flops.executed);
  metrics.flopsFull.inc(labels, flops.full);
  metrics.requestSeconds.observe(labels, timing.totalMs / 1000);
  metrics.decodeSeconds.observe(labels, decodeSeconds);
  metrics.queueSeconds.observe(labels, outcome.queueSeconds);
  metrics.exitScore.observe(labelsOfExit, exit.score);
  metrics.confidence.observe(labelsOfExit, prediction.confidence);
}
