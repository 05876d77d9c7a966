// All settings of the server. One schema defines the type, default, flag and environment variable of each.
// For example, `maxInFlight` is `--max-in-flight` on the command line and `RDI_MAX_IN_FLIGHT` in the environment.
import Type from 'typebox';
import { type DeviceName, deviceNames, type EngineName, engineNames } from '../engines/engine-names.js';

const MIB = 1024 * 1024;

/** Also of apps, such as capacitor://localhost; a slash behind it does no harm. */
const ORIGIN = '[a-z][a-z0-9+.-]*://[^\\s,/]+/?';

export const slowdownActions = ['off', 'report', 'cap', 'slow-lane'] as const;
export type SlowdownAction = (typeof slowdownActions)[number];

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
type LogLevel = (typeof logLevels)[number];

export const privacyModes = ['off', 'coarse', 'strict'] as const;
export type PrivacyMode = (typeof privacyModes)[number];

const protocolDatatypes = ['UINT8', 'FP32', 'FP16', 'BYTES'] as const;
type ProtocolDatatype = (typeof protocolDatatypes)[number];

export const Settings = Type.Object(
  {
    host: Type.String({
      default: '::',
      description:
        'Address to listen on; for a host name, its first address. ::, all addresses, IPv4 and IPv6.',
    }),
    port: Type.Integer({
      default: 8080,
      minimum: 0,
      maximum: 65_535,
      description: 'Port to listen on; 0 takes any free port.',
    }),
    grpc: Type.Boolean({
      default: false,
      description: 'Whether to serve the gRPC form of the inference protocol, on a port of its own.',
    }),
    grpcPort: Type.Integer({
      default: 8001,
      minimum: 0,
      maximum: 65_535,
      description: 'Port for gRPC; 0 takes any free port.',
    }),
    protocolDatatype: Type.Unsafe<ProtocolDatatype>({
      type: 'string',
      enum: [...protocolDatatypes],
      default: 'UINT8',
      description:
        'UINT8, FP32, FP16 or BYTES. The datatype of images that metadata of the inference protocol name; all are taken.',
    }),
    models: Type.String({
      default: 'models',
      minLength: 1,
      description: 'Folder of model packages: <name>/<version>/.',
    }),
    defaultModel: Type.String({
      default: '',
      description: 'Model for requests that name none. Empty: the first model by name.',
    }),
    engine: Type.Unsafe<EngineName | 'auto'>({
      type: 'string',
      enum: ['auto', ...engineNames],
      default: 'auto',
      description:
        'auto, tensorflow, onnx or wasm. auto: tensorflow if it can use a GPU, else onnx, else wasm.',
    }),
    device: Type.Unsafe<DeviceName>({
      type: 'string',
      enum: [...deviceNames],
      default: 'auto',
      description: 'auto, cpu or gpu. gpu: the server does not start without a GPU.',
    }),
    workers: Type.Integer({
      default: 0,
      minimum: 0,
      maximum: 256,
      description: 'Inference threads; 0: one per available core.',
    }),
    maxBatch: Type.Integer({
      default: 8,
      minimum: 1,
      maximum: 256,
      description: 'Most images in one engine call. Batches form only while all workers are busy.',
    }),
    maxInFlight: Type.Integer({
      default: 256,
      minimum: 1,
      maximum: 65_536,
      description: 'Most images admitted and not yet answered; further images get 503 with Retry-After.',
    }),
    maxBytesInFlight: Type.Integer({
      default: 128 * MIB,
      minimum: 1,
      maximum: 1024 * 1024 * MIB,
      description:
        'Most bytes of all bodies that are being read or whose images are in flight; further bodies get 503 with Retry-After.',
    }),
    maxImageBytes: Type.Integer({
      default: 20 * MIB,
      minimum: 1,
      maximum: 1024 * MIB,
      description: 'Largest body of POST /classify, in bytes.',
    }),
    maxImagePixels: Type.Integer({
      default: 134_217_728,
      minimum: 1,
      maximum: 1_000_000_000,
      description:
        'Most pixels (width × height) of an image, read from its header before decoding. Bounds time.',
    }),
    maxImageMemoryBytes: Type.Integer({
      default: 512 * MIB,
      minimum: MIB,
      maximum: 1024 * 1024 * MIB,
      description:
        'Memory for all images that are being decoded, by an estimate from their headers: one that needs more is ' +
        'refused before decoding, others wait for each other.',
    }),
    maxBatchImages: Type.Integer({
      default: 64,
      minimum: 1,
      maximum: 65_536,
      description: 'Most images of one request; at most --max-in-flight.',
    }),
    maxBatchBytes: Type.Integer({
      default: 32 * MIB,
      minimum: 1,
      maximum: 511 * MIB, // the body becomes a string, and V8's longest string has a little less than 512 MiB
      description:
        'Largest body of several images, in bytes: POST /classify/batch and the inference protocol.',
    }),
    reloadSeconds: Type.Number({
      default: 2,
      minimum: 0,
      maximum: 3600,
      description:
        'Time between checks of the models folder for changed packages, and of the keys file; 0: only on SIGHUP.',
    }),
    auditFraction: Type.Number({
      default: 0.01,
      minimum: 0,
      maximum: 1,
      description:
        'Share of certified answers that is compared with the full network, and the largest share of engine time ' +
        'that this takes while requests wait; 0: none.',
    }),
    auditAlpha: Type.Number({
      default: 0.01,
      exclusiveMinimum: 0,
      maximum: 0.5,
      description: 'Probability that the audit of a profile ever raises a false alarm.',
    }),
    ladder: Type.String({
      default: '',
      description:
        'Certified profiles, comma-separated, from the default profile to the cheapest: while requests wait too long, ' +
        'those that name no profile get a cheaper one. Empty: always the default profile.',
    }),
    ladderTargetMs: Type.Number({
      default: 50,
      minimum: 1,
      maximum: 60_000,
      description: 'Expected wait for a worker, in milliseconds, above which --ladder is used.',
    }),
    slowdownAction: Type.Unsafe<SlowdownAction>({
      type: 'string',
      enum: [...slowdownActions],
      default: 'off',
      description:
        'What follows when a client’s images go deeper than was certified: off, it is not tested; report, log, metrics ' +
        'and GET /slowdown say so; cap, its images also take at most the certified mean of FLOPs from then on; slow-lane, ' +
        'they are served after those of others.',
    }),
    slowdownAlpha: Type.Number({
      default: 0.01,
      exclusiveMinimum: 0,
      maximum: 0.5,
      description:
        'Probability that a client whose images are like the calibration images ever raises that alarm.',
    }),
    slowdownTolerance: Type.Number({
      default: 0,
      minimum: 0,
      maximum: 10,
      description:
        'How much more often than the calibration images a client’s images may go on behind each exit: 0.1, one tenth.',
    }),
    slowdownClients: Type.Integer({
      default: 100_000,
      minimum: 1,
      maximum: 10_000_000,
      description:
        'Most clients that the test remembers, and most with an alarm; those that sent nothing for longest are forgotten.',
    }),
    operatorRoutes: Type.Boolean({
      default: false,
      description:
        'Whether clients may see and reset alarms of other clients, and reset those of audits. Use it only behind API ' +
        'keys or on a closed network.',
    }),
    requestTimeoutSeconds: Type.Number({
      default: 30,
      minimum: 1,
      maximum: 3600,
      description: 'Time within which a whole request must arrive.',
    }),
    keepAliveTimeoutSeconds: Type.Number({
      default: 75,
      minimum: 1,
      maximum: 3600,
      description:
        'Time that an idle connection stays open. Longer than the idle timeout of a proxy in front, so that the proxy ' +
        'closes connections first.',
    }),
    drainDelaySeconds: Type.Number({
      default: 0,
      minimum: 0,
      maximum: 600,
      description:
        'Time after SIGTERM during which the server is not ready but still serves, so that load balancers notice.',
    }),
    shutdownTimeoutSeconds: Type.Number({
      default: 25,
      minimum: 1,
      maximum: 3600,
      description: 'Time for accepted requests to finish after the drain delay.',
    }),
    apiKeysFile: Type.String({
      default: '',
      description:
        'File of API keys, see `rdi-serve api-key`. With it, every operation but probes and documentation needs a key.',
    }),
    privacy: Type.Unsafe<PrivacyMode>({
      type: 'string',
      enum: [...privacyModes],
      default: 'off',
      description:
        'off, coarse or strict. coarse: answers tell rounded probabilities and times; strict: the class alone, at a ' +
        'time that does not depend on the exit.',
    }),
    privacyIntervalMs: Type.Number({
      default: 5,
      minimum: 1,
      maximum: 1000,
      description: 'With --privacy, time between the moments at which answers leave, in milliseconds.',
    }),
    corsOrigins: Type.String({
      default: '',
      pattern: `^(|\\*|${ORIGIN}( *, *${ORIGIN})*)$`,
      description:
        'Origins whose pages may call this server, comma-separated, or *. Empty: only its own origin.',
    }),
    otlpEndpoint: Type.String({
      default: '',
      pattern: '^(|https?://.+)$',
      description:
        'Base address of the OpenTelemetry collector that receives traces (OTLP over HTTP). Empty: no traces.',
    }),
    logLevel: Type.Unsafe<LogLevel>({
      type: 'string',
      enum: [...logLevels],
      default: 'info',
      description: 'fatal, error, warn, info, debug, trace or silent.',
    }),
    logProbes: Type.Boolean({
      default: false,
      description: 'Whether the log has a line for every answered probe and scrape too.',
    }),
    docs: Type.Boolean({ default: true, description: 'Serve Swagger UI at /docs.' }),
    page: Type.Boolean({
      default: true,
      description: 'Serve the pages for people: / to try the models, /status to see what the server does.',
    }),
  },
  { additionalProperties: false },
);

export type Config = Readonly<Type.Static<typeof Settings>>;
export type SettingName = keyof Config;
export const settingNames = Object.keys(Settings.properties) as SettingName[];

export function flagOf(name: SettingName): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

export function environmentVariableOf(name: SettingName): string {
  return `RDI_${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}

export function defaultOf(name: SettingName): unknown {
  return (Settings.properties[name] as { default?: unknown }).default;
}
