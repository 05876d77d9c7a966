// The wheels that contain TensorFlow's libraries. tensorflow/wheels.json lists them with their hashes. They come from a
// local file or from the Python package index; neither Python nor pip is used.
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf, UsageError } from '../../../foundation/errors.js';
import { installFolder } from '../bindings.js';

export interface Wheel {
  /** Name of the project in the index. */
  readonly project: string;
  readonly file: string;
  readonly sha256: string;
}

export type Device = 'cpu' | 'gpu';
type WheelTable = Readonly<Record<Device, Readonly<Record<string, readonly Wheel[]>>>>;

export interface Download {
  readonly file: string;
  /** undefined if the server does not send the length. */
  readonly totalBytes: number | undefined;
  receivedBytes: number;
}

/** The wheels for a device on this machine, TensorFlow's own first. @throws UsageError if there are none */
export async function wheelsFor(device: Device): Promise<readonly Wheel[]> {
  const table = JSON.parse(await readFile(new URL('wheels.json', installFolder), 'utf8')) as WheelTable;
  const wheels = process.platform === 'linux' ? table[device][process.arch] : undefined;
  if (wheels) return wheels;
  throw new UsageError(
    `There is no TensorFlow for a ${device.toUpperCase()} on ${process.platform} ${process.arch}; it runs on ` +
      `${Object.keys(table[device])
        .map((arch) => `linux ${arch}`)
        .join(' and ')}.`,
  );
}

/** @returns the given files by their hash. @throws UsageError if a file is none of `wheels` */
export async function recogniseWheels(
  paths: readonly string[],
  wheels: readonly Wheel[],
): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const path of paths) {
    const hash = createHash('sha256');
    try {
      await pipeline(createReadStream(path), hash);
    } catch (error) {
      throw new UsageError(`"${path}" cannot be read: ${messageOf(error)}.`, { cause: error });
    }
    const sha256 = hash.digest('hex');
    if (!wheels.some((wheel) => wheel.sha256 === sha256)) {
      const wanted = wheels.map(({ file }) => file).join(', ');
      throw new UsageError(`"${path}" has the sha256 ${sha256}, which none of these has: ${wanted}.`);
    }
    found.set(sha256, path);
  }
  return found;
}

/**
 * Downloads a wheel into `folder`. @returns its path
 * @param index address of a package index (PEP 503)
 * @param onProgress called whenever data arrives
 * @throws UsageError if the download fails, or the file does not match its hash
 */
export async function downloadWheel(
  wheel: Wheel,
  folder: string,
  index: string,
  onProgress: (download: Download) => void,
): Promise<string> {
  const { project, file, sha256 } = wheel;
  const path = join(folder, file);
  const hash = createHash('sha256');
  try {
    const page = new URL(`${project}/`, index.endsWith('/') ? index : `${index}/`);
    const address = addressOf(file, await (await get(page)).text());
    if (address === undefined) throw new Error(`${page.href} does not list ${file}`);
    const response = await get(new URL(address, page));
    const length = response.headers.get('content-length');
    const download: Download = { file, totalBytes: length ? Number(length) : undefined, receivedBytes: 0 };
    const counting = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        download.receivedBytes += chunk.length;
        onProgress(download);
        done(null, chunk);
      },
    });
    await pipeline(Readable.from(response.body ?? []), counting, createWriteStream(path));
  } catch (error) {
    const cause = error instanceof Error && error.cause ? ` (${messageOf(error.cause)})` : '';
    throw new UsageError(
      `${file} cannot be downloaded: ${messageOf(error)}${cause}. Get it on another machine and give it with --wheel.`,
      { cause: error },
    );
  }
  const actual = hash.digest('hex');
  if (actual !== sha256) throw new UsageError(`${file} is damaged: its sha256 is ${actual}, not ${sha256}.`);
  return path;
}

async function get(url: URL): Promise<Response> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.href} answered ${response.status}`);
  return response;
}

/** The link to `file` on an index's page. */
function addressOf(file: string, page: string): string | undefined {
  for (const [, address = '', text] of page.matchAll(/<a\s[^>]*href="([^"]*)"[^>]*>([^<]*)<\/a>/g)) {
    if (text === file) return address.replaceAll('&amp;', '&');
  }
  return undefined;
}
