// Installs the TensorFlow engine into the folder `tensorflow/`: the package's JavaScript from npm, the libraries from
// wheels, and the addon that connects them, compiled here. The package's own installer is not used.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { messageOf, UsageError } from '../../../foundation/errors.js';
import { ADDON, installFolder, PACKAGE } from '../bindings.js';
import { probeTensorFlow } from '../probe.js';
import { unpackWheel } from './unpack.js';
import { type Device, type Download, downloadWheel, recogniseWheels, wheelsFor } from './wheels.js';

const run = promisify(execFile);
const MOST_OUTPUT_BYTES = 64 * 2 ** 20;

export interface InstallOptions {
  readonly device: Device;
  /** Paths of wheels that are already downloaded. */
  readonly wheels: readonly string[];
  /** Address of a Python package index. */
  readonly index: string;
  /** Command of a C++ compiler. */
  readonly compiler: string;
  onStep(what: string): void;
  onProgress(download: Download): void;
}

/** @returns whether TensorFlow computes on a GPU. @throws UsageError that says what is missing and how to get it */
export async function installTensorFlow(options: InstallOptions): Promise<{ gpu: boolean }> {
  const folder = fileURLToPath(installFolder);
  const wanted = await wheelsFor(options.device);
  await checkCompiler(options.compiler);
  const given = await recogniseWheels(options.wheels, wanted);

  options.onStep(`${PACKAGE}, without its installer`);
  await npmInstall(folder);
  const target = join(folder, 'node_modules', ...PACKAGE.split('/'));
  const deps = join(target, 'deps');

  const downloads = await mkdtemp(join(folder, '.download-'));
  try {
    for (const wheel of wanted) {
      options.onStep(wheel.file);
      const path =
        given.get(wheel.sha256) ?? (await downloadWheel(wheel, downloads, options.index, options.onProgress));
      if ((await unpackWheel(path, deps)) === 0) throw new UsageError(`${wheel.file} holds no libraries.`);
      // Each wheel is deleted before the next download, to need less disk space.
      await rm(downloads, { recursive: true });
      await mkdir(downloads);
    }
  } finally {
    await rm(downloads, { recursive: true, force: true });
  }

  options.onStep('compiling the addon');
  await compile(options.compiler, target, join(folder, 'node_modules', 'node-api-headers', 'include'));
  options.onStep('testing the installation');
  const finding = await probeTensorFlow('auto');
  if (finding.state !== 'usable') {
    const reason = finding.state === 'cannot-load' ? finding.reason : 'its addon is missing';
    throw new UsageError(`TensorFlow was installed but cannot be used: ${reason}.`);
  }
  return { gpu: finding.gpu };
}

async function checkCompiler(compiler: string): Promise<void> {
  try {
    await run(compiler, ['--version']);
  } catch (error) {
    throw new UsageError(
      `There is no C++ compiler "${compiler}"; install one (Debian, Ubuntu: apt-get install g++; Fedora: ` +
        'dnf install gcc-c++) or name yours in CXX.',
      { cause: error },
    );
  }
}

/** Installs exactly what tensorflow/package-lock.json lists; no package runs a script. */
async function npmInstall(folder: string): Promise<void> {
  const npm = process.env['npm_execpath'];
  const [command, ...first] = npm ? [process.execPath, npm] : ['npm'];
  const flags = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  try {
    await run(command as string, [...first, ...flags], { cwd: folder });
  } catch (error) {
    throw new UsageError(`npm cannot install ${PACKAGE}: ${outputOf(error)}`, { cause: error });
  }
}

async function compile(compiler: string, target: string, nodeHeaders: string): Promise<void> {
  await mkdir(join(target, 'lib', 'napi-v8'), { recursive: true });
  const flags = ['-std=c++17', '-O2', '-shared', '-fPIC', '-DNAPI_VERSION=8'];
  const include = [`-I${nodeHeaders}`, '-Ideps/include'];
  const sources = ['binding/tfjs_backend.cc', 'binding/tfjs_binding.cc'];
  const libraries = ['-Ldeps/lib', '-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2'];
  const found = '-Wl,-rpath,$ORIGIN/../../deps/lib';
  try {
    await run(compiler, [...flags, ...include, ...sources, ...libraries, found, '-o', ADDON], {
      cwd: target,
      maxBuffer: MOST_OUTPUT_BYTES,
    });
  } catch (error) {
    throw new UsageError(`The addon cannot be compiled: ${outputOf(error)}`, { cause: error });
  }
}

/** The error output of a failed program. */
function outputOf(error: unknown): string {
  const { stderr } = error as { stderr?: string };
  return stderr?.trim() || messageOf(error);
}
