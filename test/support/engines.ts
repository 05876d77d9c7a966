// Every engine, for tests that hold all of them to the same. TensorFlow is skipped where it is not installed, unless
// RDI_REQUIRE_TENSORFLOW says that it must not be.
import process from 'node:process';
import type { Engine, EngineModule } from '../../src/engines/engine.js';
import { findBindings } from '../../src/engines/tensorflow/bindings.js';

export interface EngineUnderTest {
  readonly name: string;
  /** URL of its module. */
  readonly module: string;
  /** Why it cannot be tested here. */
  readonly skip: string | false;
  create(): Promise<Engine>;
}

const isInstalled = findBindings() !== undefined || process.env['RDI_REQUIRE_TENSORFLOW'] !== undefined;

export const engines: readonly EngineUnderTest[] = ['onnx', 'wasm', 'tensorflow'].map((name) => {
  const module = new URL(`../../src/engines/${name}.js`, import.meta.url).href;
  const missing = name === 'tensorflow' && !isInstalled;
  return {
    name,
    module,
    skip: missing && 'TensorFlow is not installed: npm run install:tensorflow -- --cpu',
    create: async () => ((await import(module)) as EngineModule).createEngine({ device: 'cpu' }),
  };
});
