// orval's fetch client against a running server.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { classify, classifyBatch, listModels } from './orval.gen.ts';

const [, , images] = process.argv;
const withKey = { headers: { authorization: `Bearer ${process.env.RDI_API_KEY}` } };

const stranger = await listModels();
assert.ok(stranger.status === 401 && stranger.data.type === 'urn:rdi-serve:problem:unauthorized');

const seven = await classify(new Blob([await readFile(`${images}/digit-7.png`)]), { topK: 3 }, withKey);
assert.ok(seven.status === 200 && seven.data.label === '7' && seven.data.top.length === 3);

const batch = await classifyBatch({ images: [Buffer.from('no image').toString('base64')] }, {}, withKey);
assert.ok(batch.status === 200);
assert.equal(batch.data.results[0]?.problem?.type, 'urn:rdi-serve:problem:undecodable-image');

const list = await listModels(withKey);
assert.ok(list.status === 200 && list.data.models.some(({ name }) => name === list.data.defaultModel));

const refused = await classify(new Blob(['no image']), {}, withKey);
assert.ok(refused.status === 422 && refused.data.type === 'urn:rdi-serve:problem:undecodable-image');
