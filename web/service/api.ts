// Talks to the service that the page came from. The API key, if there is one, is kept in this module only: it is never
// stored, and is gone when the page is closed or loaded again. openapi.json describes every type here in full.

export interface Exit {
  readonly index: number;
  readonly name: string;
}

export interface Risk {
  readonly loss: 'consistency' | 'error';
  readonly data?: 'clean' | 'adversarial';
  readonly epsilon: number;
  readonly observed: number;
}

export interface Certificate {
  readonly statement: string;
  readonly delta: number;
  readonly risks: readonly Risk[];
  readonly flops: { readonly mean: number; readonly bound: number; readonly budget?: number };
  readonly images: { readonly tune: number; readonly cal: number };
  readonly date: string;
}

export interface Audit {
  readonly epsilon?: number;
  readonly evidence: number;
  readonly alarm: boolean;
  readonly agreed: number;
  readonly differed: number;
}

export interface Profile {
  readonly name: string;
  readonly description: string;
  readonly policy: string;
  readonly exits: readonly {
    readonly index: number;
    readonly threshold: number | null;
    readonly flops: number;
  }[];
  readonly certificate?: {
    readonly valid: boolean;
    readonly reason: string;
    readonly certificate: Certificate;
  };
  readonly audit?: Audit;
}

export interface Example {
  readonly file: string;
  readonly label: string;
  readonly description?: string;
}

export interface Model {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly engine: { readonly name: string; readonly device: string };
  readonly input: { readonly height: number; readonly width: number; readonly channels: number };
  readonly expects?: string;
  readonly examples: readonly Example[];
  readonly classes: readonly string[];
  readonly flops: number;
  readonly exits: readonly Exit[];
  readonly defaultProfile: string;
  readonly profiles: readonly Profile[];
}

export interface ModelList {
  readonly defaultModel: string;
  readonly models: readonly Model[];
  readonly engine: { readonly name: string; readonly device: string; readonly workers: number };
  readonly refused: readonly { readonly name: string; readonly version: string; readonly reason: string }[];
  /** `strict`: answers tell the class alone. */
  readonly privacy?: string;
}

export interface RankedClass {
  readonly label: string;
  readonly probability: number;
}

export interface ExplainedExit extends Exit {
  readonly score: number;
  readonly threshold: number | null;
  readonly cleared: boolean;
  readonly flops: number;
  readonly top: readonly RankedClass[];
}

export interface Answer {
  readonly label: string;
  readonly confidence: number;
  readonly profile: string;
  readonly exit: Exit & { readonly of: number; readonly reason: string };
  readonly flops: { readonly executed: number; readonly full: number };
  readonly timing: { readonly totalMs: number };
  readonly certified: boolean;
  readonly inverted?: boolean;
  readonly typicality?: { readonly pValue: number; readonly typical: boolean };
  readonly explanation?: { readonly policy: string; readonly exits: readonly ExplainedExit[] };
}

export interface Limits {
  readonly maxFlops?: number;
  readonly deadlineMs?: number;
}

export interface Query extends Limits {
  readonly model: string;
  readonly version: string;
  readonly profile: string;
  readonly topK?: number;
  readonly explain?: 'path' | 'full';
}

/** A request that was not answered as asked. */
export class Problem extends Error {
  constructor(
    readonly title: string,
    detail: string,
    readonly status: number,
  ) {
    super(detail);
  }
}

let key = '';

export function useKey(given: string): void {
  key = given;
}

export function hasKey(): boolean {
  return key !== '';
}

/** @throws Problem */
export async function listModels(): Promise<ModelList> {
  return (await ask('models')).json();
}

/** @throws Problem */
export async function exampleImage({ name, version }: Model, file: string): Promise<Blob> {
  const address = `models/${encodeURIComponent(name)}/examples/${encodeURIComponent(file)}`;
  return (await ask(`${address}?${new URLSearchParams({ version })}`)).blob();
}

/** @throws Problem */
export async function readMetrics(): Promise<string> {
  return (await ask('metrics', { headers: { accept: 'text/plain' } })).text();
}

/** @throws Problem; an AbortError after `signal` */
export async function classify(image: Blob, query: Query, signal?: AbortSignal): Promise<Answer> {
  const headers = { 'content-type': image.type };
  const options = { method: 'POST', headers, body: image, ...(signal && { signal }) };
  return (await ask(`classify?${queryText(query)}`, options)).json();
}

export function queryText(query: Query): string {
  return new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)])).toString();
}

/** @param address relative to the page, so that it works behind any path prefix */
async function ask(address: string, { headers, ...options }: RequestInit = {}): Promise<Response> {
  const authorization = key === '' ? {} : { authorization: `Bearer ${key}` };
  let response: Response;
  try {
    response = await fetch(address, {
      ...options,
      cache: 'no-store',
      credentials: 'omit',
      headers: { ...(headers as Record<string, string>), ...authorization },
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Problem('The service cannot be reached', 'Is it running, and are you online?', 0);
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw new Problem(
    problem.title ?? `The service answered ${response.status}`,
    problem.detail ?? 'The answer does not say why.',
    response.status,
  );
}
