// Every engine, for tests that hold all of them to the same. TensorFlow is skipped where it is not installed, unless
// RDI_REQUIRE_TENSORFLOW says that it must not be.
import process from 'node:process';
import { engineModule } from '../../../src/engines/choose.js';
import type { Engine, EngineModule } from '../../../src/engines/engine.js';
import type { EngineName } from '../../../src/engines/engine-names.js';
import { findBindings } from '../../../src/engines/tensorflow/bindings.js';

export interface EngineUnderTest {
  readonly name: EngineName;
  /** Why it cannot be tested here. */
  readonly skip: string | false;
  create(): Promise<Engine>;
}

const isInstalled = findBindings() !== undefined || process.env['RDI_REQUIRE_TENSORFLOW'] !== undefined;

export const engines: readonly EngineUnderTest[] = (['onnx', 'wasm', 'tensorflow'] as const).map((name) => {
  const module = engineModule(name);
  const missing = name === 'tensorflow' && !isInstalled;
  return {
    name,
    skip: missing && 'TensorFlow is not installed: npm run install:tensorflow -- --cpu',
    create: async () => ((await import(module)) as EngineModule).createEngine({ device: 'cpu' }),
  };
});
