// onnxruntime's Linux builds send usage data to their vendor over HTTPS unless this variable is set before the library
// loads. A server that processes other people's images must not send any. (Workers share the environment with the main
// thread, see workers/thread.ts: native code would not see a worker's own copy.)
import { env } from 'node:process';

env['ORT_DISABLE_TELEMETRY'] = '1';
