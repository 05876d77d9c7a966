// POST /v2/models/{model}[/versions/{version}]/infer on the short path; inference-protocol/infer.ts defines the operation.
import { admitMessage, type InferOptions } from '../inference-protocol/infer.js';
import { readMessage } from '../inference-protocol/read-message.js';
import type { ShortRoute } from './short-route.js';

/** With names that need no decoding. */
const ADDRESS = /^\/v2\/models\/([\w.-]+)(?:\/versions\/([\w.-]+))?\/infer$/;
const ordinaryTypes = new Set(['application/octet-stream', 'application/json', '']);
const untraced = () => undefined;

export function shortInfer(options: InferOptions): ShortRoute {
  return (url) => {
    const [, model, version] = ADDRESS.exec(url) ?? [];
    if (model === undefined) return undefined;
    const params = { model, ...(version !== undefined && { version }) };
    return {
      route: `/v2/models/:model${version === undefined ? '' : '/versions/:version'}/infer`,
      contentTypes: ordinaryTypes,
      bodyLimit: options.maxBatchBytes,
      answer: (request, body, { client, caller }, signal) =>
        admitMessage(readMessage(body, request), params, options, client, caller).answer(signal, untraced),
    };
  };
}
