// The state of the service: load, workers, models, engines and certificates.
import { Counter, Gauge, type Registry } from 'prom-client';

export function stateMetrics(registers: Registry[]) {
  return {
    workerRestarts: new Counter({
      name: 'rdi_worker_restarts_total',
      help: 'Inference workers that died and were replaced.',
      registers,
    }),
    modelInfo: new Gauge({
      name: 'rdi_model_info',
      help: '1 for every model found; status is served or refused.',
      labelNames: ['model', 'version', 'engine', 'device', 'status'],
      registers,
    }),
    engineInfo: new Gauge({
      name: 'rdi_engine_info',
      help: '1 for every engine; status is in-use, or why it was passed over.',
      labelNames: ['engine', 'device', 'status'],
      registers,
    }),
    certificateInfo: new Gauge({
      name: 'rdi_certificate_info',
      help: '1 for every profile but full; status is valid, invalid (made for other files) or none.',
      labelNames: ['model', 'version', 'profile', 'status'],
      registers,
    }),
    exitShareExpected: new Gauge({
      name: 'rdi_exit_share_expected',
      help: 'Share of images that left at this exit when the profile was certified.',
      labelNames: ['model', 'version', 'profile', 'exit'],
      registers,
    }),
    modelDefaultInfo: new Gauge({
      name: 'rdi_model_default_info',
      help: '1 for the version of each model that requests get which name none; pinned: whether a file says so.',
      labelNames: ['model', 'version', 'pinned'],
      registers,
    }),
    modelReloads: new Counter({
      name: 'rdi_model_reloads_total',
      help: 'Changes of packages found while serving; result is added, replaced, removed or refused.',
      labelNames: ['model', 'result'],
      registers,
    }),
    calibrationReloads: new Counter({
      name: 'rdi_calibration_reloads_total',
      help: 'Changed profiles found while serving; result is swapped, or refused (the old profiles stay).',
      labelNames: ['model', 'version', 'result'],
      registers,
    }),
    calibrationRefused: new Gauge({
      name: 'rdi_calibration_refused',
      help: '1 while the package’s profiles cannot be served and the server uses older ones.',
      labelNames: ['model', 'version'],
      registers,
    }),
  };
}
