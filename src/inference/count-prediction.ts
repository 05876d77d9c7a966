// Every answer is counted here, once.
import type { Metrics } from '../telemetry/metrics.js';
import type { Prediction } from './prediction.js';
import type { Outcome } from './scheduler.js';

export function countPrediction(
  metrics: Metrics,
  prediction: Prediction,
  outcome: Outcome,
  decodeSeconds: number,
): void {
  const { exit, flops, timing, profile } = prediction;
  const labels = { model: prediction.model.name, version: prediction.model.version };
  metrics.predictions.inc({ ...labels, profile, exit: exit.index, reason: exit.reason });
  metrics.requestFlops.observe(labels, flops.executed);
  metrics.flops.inc(labels, flops.executed);
  metrics.flopsFull.inc(labels, flops.full);
  metrics.requestSeconds.observe(labels, timing.totalMs / 1000);
  metrics.decodeSeconds.observe(labels, decodeSeconds);
  metrics.queueSeconds.observe(labels, outcome.queueSeconds);
  metrics.exitScore.observe({ ...labels, exit: exit.index }, exit.score);
  metrics.confidence.observe({ ...labels, exit: exit.index }, prediction.confidence);
}
