// Heads as JSON for the cache: their floats in base64, little-endian.
import type { LinearHead } from './exit-graph.js';
import type { FittedHead } from './fit-heads.js';

export interface KeptHead {
  readonly weight: string;
  readonly bias: string;
}

export interface KeptFittedHead {
  readonly head: KeptHead;
  readonly penalty: number;
  readonly logits: string;
  readonly agreement: number;
}

export function encodeHead({ weight, bias }: LinearHead): KeptHead {
  return { weight: encode(weight), bias: encode(bias) };
}

export function decodeHead({ weight, bias }: KeptHead): LinearHead {
  return { weight: decode(weight), bias: decode(bias) };
}

export function encodeFitted({ head, logits, ...others }: FittedHead): KeptFittedHead {
  return { ...others, head: encodeHead(head), logits: encode(logits) };
}

export function decodeFitted({ head, logits, ...others }: KeptFittedHead): FittedHead {
  return { ...others, head: decodeHead(head), logits: decode(logits) };
}

function encode({ buffer, byteOffset, byteLength }: Float32Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}

function decode(text: string): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(text, 'base64')).buffer);
}
