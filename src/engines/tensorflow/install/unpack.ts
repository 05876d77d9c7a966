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
/** TensorFlow's libraries look for these in ../nvidia, as they lie beside each other in Python. */
const NVIDIA = /^(nvidia\/\w+\/lib\/[^/]+\.so[.\d]*)$/;

/** Unpacks into `deps`: `lib`, `include` and, from NVIDIA's wheels, `nvidia`. @returns how many files that were */
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
  return HEADERS.exec(name)?.[1] ?? NVIDIA.exec(name)?.[1];
}
