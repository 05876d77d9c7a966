// onnxruntime's Linux builds report usage to their maker over HTTPS unless this is set before the library loads.
// A server of other people's images reports to nobody. (Workers share the environment with the main thread, see
// worker-pool.ts: a worker's own copy would not reach native code.)
import { env } from 'node:process';

env['ORT_DISABLE_TELEMETRY'] = '1';
