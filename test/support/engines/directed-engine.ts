// An engine under a test's direction, the ONNX one unless another is named. The two talk through a folder, named in the
// module's URL: every run is written down there before it starts, and waits while the folder holds a file `hold`, unless
// it finds one `pass`; loads fail while the folder holds a file `refuse`. Images with a mark (their first pixels) make a
// run fail, a segment without a graph ends the thread that loads it. Runs in workers; `createDirector` is the test's end.
import { appendFileSync, existsSync, unlinkSync, writeFileSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { engineModule } from '../../../src/engines/choose.js';
import type { Engine, EngineModule, Segment, SegmentSource } from '../../../src/engines/engine.js';
import type { EngineName } from '../../../src/engines/engine-names.js';
import type { Scope } from '../scope.js';
import { temporaryFolder } from '../temporary-folder.js';

/** What happens to the batch that an image with this mark is in. */
const marks = ['exit', 'exit-once', 'crash', 'throw', 'not-a-number'] as const;
export type Mark = (typeof marks)[number];

const MARK_LENGTH = 12;

/** One engine call: from exit, to exit, images. */
export interface Run {
  readonly from: number;
  readonly to: number;
  readonly batch: number;
}

export interface Director {
  readonly engineModule: string;
  /** Makes runs wait from now on. */
  hold(): Promise<void>;
  release(): Promise<void>;
  /** Lets one run through that waits, or the next one, and waits until it is. */
  pass(): Promise<void>;
  /** Makes loads fail from now on. */
  refuse(): Promise<void>;
  accept(): Promise<void>;
  /** All runs that were started so far, self-checks included. */
  runs(): Promise<Run[]>;
}

/** To be made before what it directs is started: after the test nothing is held any more when that closes. */
export function createDirector(scope: Scope, engine: EngineName = 'onnx'): Director {
  const folder = temporaryFolder();
  const [hold, refuse] = [join(folder, 'hold'), join(folder, 'refuse')];
  const release = () => rm(hold, { force: true });
  scope.after(release);
  return {
    engineModule: `${import.meta.url}?${new URLSearchParams({ folder, engine })}`,
    hold: () => writeFile(hold, ''),
    release,
    async pass() {
      const pass = join(folder, 'pass');
      await writeFile(pass, '');
      while (existsSync(pass)) await sleep(2);
    },
    refuse: () => writeFile(refuse, ''),
    accept: () => rm(refuse, { force: true }),
    async runs() {
      const lines = await readFile(join(folder, 'runs'), 'utf8').catch(() => '');
      return lines
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Run);
    },
  };
}

/** The same image with a mark that the engine recognises. */
export function marked(pixels: Uint8Array, mark: Mark): Uint8Array {
  const copy = Uint8Array.from(pixels);
  copy.set(patternOf(mark));
  return copy;
}

/** One value after another, black and white, spells the mark's number. */
function patternOf(mark: Mark): Uint8Array {
  const code = 0b1010_1100_0000 + marks.indexOf(mark);
  return Uint8Array.from({ length: MARK_LENGTH }, (_, bit) => ((code >> bit) & 1 ? 255 : 0));
}

export async function createEngine(): Promise<Engine> {
  const { searchParams } = new URL(import.meta.url);
  const folder = searchParams.get('folder') ?? '';
  const module = engineModule(searchParams.get('engine') as EngineName);
  const engine = await ((await import(module)) as EngineModule).createEngine({ device: 'cpu' });
  return {
    ...engine,
    async load(sources) {
      if (existsSync(join(folder, 'refuse'))) throw new Error('no memory left');
      if (sources.some(({ graph }) => graph.length === 0)) process.exit(3);
      const segments = await engine.load(sources);
      return segments.map((segment, index) => ({
        release: () => segment.release(),
        run: directed(segment, sources[index] as SegmentSource, folder),
      }));
    },
  };
}

function directed(segment: Segment, source: SegmentSource, folder: string): Segment['run'] {
  return async (input, batch) => {
    appendFileSync(join(folder, 'runs'), `${JSON.stringify({ from: source.from, to: source.to, batch })}\n`);
    while (existsSync(join(folder, 'hold')) && !takes(join(folder, 'pass'))) await sleep(2);
    const mark = source.from === -1 ? markOf(input, source) : undefined;
    switch (mark) {
      case 'exit':
        return process.exit(3);
      case 'exit-once':
        if (!existsSync(join(folder, 'exited'))) {
          writeFileSync(join(folder, 'exited'), '');
          process.exit(3);
        }
        break;
      case 'crash':
        setImmediate(() => {
          throw new Error('a fault outside every promise');
        });
        return new Promise(() => {});
      case 'throw':
        throw new Error('no memory left');
      case 'not-a-number': {
        const output = await segment.run(input, batch);
        return { ...output, logits: output.logits.map(() => Number.NaN) };
      }
    }
    return segment.run(input, batch);
  };
}

/** Whether the file was there; now it is not. Only one thread gets a yes. */
function takes(file: string): boolean {
  try {
    unlinkSync(file);
    return true;
  } catch {
    return false;
  }
}

/** The mark of the first marked image in NCHW rows; a white value is above every mean, a black one below. */
function markOf(input: Float32Array, { inputShape }: SegmentSource): Mark | undefined {
  const [channels = 1, height = 1, width = 1] = inputShape;
  const area = height * width;
  for (let start = 0; start < input.length; start += channels * area) {
    const found = marks.find((mark) =>
      patternOf(mark).every((value, place) => {
        const row = start + (place % channels) * area + Math.floor(place / channels);
        return Math.abs((input[row] ?? 0) - (value / 255 - 0.5) / 0.25) < 1e-6;
      }),
    );
    if (found) return found;
  }
  return undefined;
}
