// Takes what the engine needs out of the wheels, which are zip archives.
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { openPromise } from 'yauzl';

/** Of TensorFlow's 13,000 headers the bindings include fourteen, from these folders. */
const HEADERS =
  /^tensorflow\/(include\/(?:tensorflow\/c|tensorflow\/core\/platform|tsl\/platform|xla\/tsl\/c)\/.*\.h)$/;
const LIBRARIES = /^tensorflow\/(libtensorflow_(?:cc|framework)\.so\.2)$/;
const NVIDIA = /^nvidia\/\w+\/lib\/([^/]+\.so[.\d]*)$/;
/** Neither TensorFlow nor another of NVIDIA's libraries opens these: cuSOLVER on several GPUs, stand-ins, spares. */
const UNUSED = /^lib(?:cusolverMg|nvblas|cufftw|nvrtc\.alt|nvrtc-builtins\.alt)\.so/;
/**
 * One folder for all, of those that TensorFlow searches. In Python's layout each has one of its own, but there TensorFlow
 * 2.21 does not find cuSOLVER, and then uses no GPU (tensorflow/tensorflow#112973), nor do cuBLAS and cuFFT find nvrtc.
 */
const NVIDIA_FOLDER = 'nvidia/cuda_runtime/lib';

/** Unpacks into `deps`: `lib`, `include` and, from NVIDIA's wheels, `nvidia/…`. @returns how many files that were */
export async function unpackWheel(path: string, deps: string): Promise<number> {
  const zip = await openPromise(path, { lazyEntries: true, autoClose: false });
  let count = 0;
  try {
    for await (const entry of zip.eachEntry()) {
      const target = targetOf(entry.fileName);
      if (target === undefined) continue;
      const file = join(deps, target);
      await mkdir(dirname(file), { recursive: true });
      await pipeline(await zip.openReadStreamPromise(entry), createWriteStream(file));
      count++;
    }
  } finally {
    zip.close();
  }
  return count;
}

function targetOf(name: string): string | undefined {
  const library = LIBRARIES.exec(name)?.[1];
  if (library) return join('lib', library);
  const nvidia = NVIDIA.exec(name)?.[1];
  if (nvidia) return UNUSED.test(nvidia) ? undefined : join(NVIDIA_FOLDER, nvidia);
  return HEADERS.exec(name)?.[1];
}
