// What an operator may ask for: which engine, on which device, in how many threads.

/** Each is a module in this folder, see `engineModule` in choose.ts. */
export const engineNames = ['tensorflow', 'onnx', 'wasm'] as const;
export type EngineName = (typeof engineNames)[number];

export const deviceNames = ['auto', 'cpu', 'gpu'] as const;
export type DeviceName = (typeof deviceNames)[number];

export interface EngineDemand {
  readonly engine: EngineName | 'auto';
  readonly device: DeviceName;
  /** Threads to compute with. */
  readonly workers: number;
}
