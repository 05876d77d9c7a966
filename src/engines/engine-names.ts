// The operator's demand: which engine, on which device, with how many threads.

/** Each name has a module in this folder, see `engineModule` in choose.ts. */
export const engineNames = ['tensorflow', 'onnx', 'wasm'] as const;
export type EngineName = (typeof engineNames)[number];

export const deviceNames = ['auto', 'cpu', 'gpu'] as const;
export type DeviceName = (typeof deviceNames)[number];

export interface EngineDemand {
  readonly engine: EngineName | 'auto';
  readonly device: DeviceName;
  /** Number of threads that compute. */
  readonly workers: number;
}
