// The ONNX engine with a fault that the module's URL names. Runs in workers.
//   ?wrong=<classes>   logits of networks with that many classes are off (0: of all networks)
//   ?while=<file>      as long as the file exists, threads that run it end, and new ones do not start
import { existsSync } from 'node:fs';
import type { Engine } from '../../../src/engines/engine.js';
import { createEngine as createOnnxEngine } from '../../../src/engines/onnx.js';

export function faultyEngine(fault: Readonly<Record<string, string>>): string {
  return `${import.meta.url}?${new URLSearchParams(fault)}`;
}

export function createEngine(): Engine {
  const { searchParams } = new URL(import.meta.url);
  const wrong = searchParams.get('wrong');
  const gone = () => existsSync(searchParams.get('while') ?? '');
  if (gone()) throw new Error('the accelerator is gone');
  const engine = createOnnxEngine();
  return {
    ...engine,
    async load(sources) {
      const segments = await engine.load(sources);
      return segments.map((segment) => ({
        release: () => segment.release(),
        async run(input, batch) {
          if (gone()) process.exit(4);
          const output = await segment.run(input, batch);
          const isWrong = wrong === '0' || wrong === `${output.logits.length / batch}`;
          return isWrong ? { ...output, logits: output.logits.map((logit) => logit + 0.1) } : output;
        },
      }));
    },
  };
}
