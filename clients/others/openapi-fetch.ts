// openapi-fetch, with the types of openapi-typescript, against a running server.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import createClient from 'openapi-fetch';
import type { paths } from './openapi-fetch.gen.ts';

const [, , images] = process.argv;
const client = createClient<paths>({ baseUrl: process.env.RDI_URL ?? '' });
// The types say `string` for bytes, and without these settings the client sends JSON.
const binary = (bytes: Blob) => ({
  body: bytes as unknown as string,
  bodySerializer: (body: unknown) => body as Blob,
  headers: { 'content-type': 'application/octet-stream' },
});

const stranger = await client.GET('/models');
assert.equal(stranger.error?.type, 'urn:rdi-serve:problem:unauthorized');
client.use({
  onRequest: ({ request }) => {
    request.headers.set('authorization', `Bearer ${process.env.RDI_API_KEY}`);
  },
});

const seven = await client.POST('/classify', {
  ...binary(new Blob([await readFile(`${images}/digit-7.png`)])),
  params: { query: { topK: 3 } },
});
assert.ok(seven.data?.label === '7' && seven.data.top.length === 3);

const batch = await client.POST('/classify/batch', {
  body: { images: [Buffer.from('no image').toString('base64')] },
});
assert.equal(batch.data?.results[0]?.problem?.type, 'urn:rdi-serve:problem:undecodable-image');

const list = await client.GET('/models');
assert.ok(list.data?.models.some(({ name }) => name === list.data.defaultModel));

const refused = await client.POST('/classify', binary(new Blob(['no image'])));
assert.deepEqual(
  [refused.error?.type, refused.error?.status],
  ['urn:rdi-serve:problem:undecodable-image', 422],
);
