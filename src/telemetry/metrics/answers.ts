// Metrics of answers and refusals: exits taken, scores, confidences and costs.
import { Counter, Histogram, type Registry } from 'prom-client';

const SCORES = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];
const CONFIDENCES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999, 1];
const P_VALUES = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 1];

export function answerMetrics(registers: Registry[]) {
  return {
    predictions: new Counter({
      name: 'rdi_predictions_total',
      help: 'Images answered, by the exit taken (index from 0) and the reason for leaving there.',
      labelNames: ['model', 'version', 'profile', 'exit', 'reason'],
      registers,
    }),
    flops: new Counter({
      name: 'rdi_flops_total',
      help: 'FLOPs executed for answered images, including heads.',
      labelNames: ['model', 'version'],
      registers,
    }),
    flopsFull: new Counter({
      name: 'rdi_flops_full_total',
      help: 'FLOPs that the backbone with only its final exit would have executed for the same images.',
      labelNames: ['model', 'version'],
      registers,
    }),
    atypical: new Counter({
      name: 'rdi_atypical_total',
      help: 'Answers to images that look unlike the calibration images. Of images like these, about 1 % are counted.',
      labelNames: ['model', 'version'],
      registers,
    }),
    typicality: new Histogram({
      name: 'rdi_typicality',
      help: 'P-value of the image among the calibration images: uniform for images like these, low for others.',
      labelNames: ['model', 'version'],
      buckets: P_VALUES,
      registers,
    }),
    exitScore: new Histogram({
      name: 'rdi_exit_score',
      help: 'Score at the exit taken, as the profile’s policy defines it (entropy: lower is more confident).',
      labelNames: ['model', 'version', 'exit'],
      buckets: SCORES,
      registers,
    }),
    confidence: new Histogram({
      name: 'rdi_confidence',
      help: 'Probability of the answered label, by the exit taken.',
      labelNames: ['model', 'version', 'exit'],
      buckets: CONFIDENCES,
      registers,
    }),
    rejections: new Counter({
      name: 'rdi_rejections_total',
      help: 'Images and requests answered with a problem, by its type.',
      labelNames: ['reason'],
      registers,
    }),
  };
}
