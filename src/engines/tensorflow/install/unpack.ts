// Extracts the files that the engine needs from the wheels, which are zip archives.
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { openPromise } from 'yauzl';

/** The bindings include 14 of TensorFlow's 13,000 headers; all are in these folders. */
const HEADERS =
  /^tensorflow\/(include\/(?:tensorflow\/c|tensorflow\/core\/platform|tsl\/platform|xla\/tsl\/c)\/.*\.h)$/;
const LIBRARIES = /^tensorflow\/(libtensorflow_(?:cc|framework)\.so\.2)$/;
const NVIDIA = /^nvidia\/\w+\/lib\/([^/]+\.so[.\d]*)$/;
/** Not opened by TensorFlow or NVIDIA's other libraries: cuSOLVER for several GPUs, replacements, alternatives. */
const UNUSED = /^lib(?:cusolverMg|nvblas|cufftw|nvrtc\.alt|nvrtc-builtins\.alt)\.so/;
/**
 * All libraries go to one folder that TensorFlow searches. In Python's layout each has its own folder. There TensorFlow
 * 2.21 does not find cuSOLVER and then uses no GPU (https://github.com/tensorflow/tensorflow/issues/112973), and cuBLAS
 * and cuFFT do not find nvrtc.
 */
const NVIDIA_FOLDER = 'nvidia/cuda_runtime/lib';

/** Unpacks into `deps`: `lib`, `include` and, from NVIDIA's wheels, `nvidia/…`. @returns the number of files */
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
