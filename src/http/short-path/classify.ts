// POST /classify on the short path; routes/classify.ts defines the operation.
import { parse } from 'node:querystring';
import type { Classifier } from '../../serving/classifier.js';
import { createPlan } from '../../serving/plan.js';
import type { Disclosure } from '../privacy/disclosure.js';
import { type ClassifyQuery, contentTypes, JSON_TYPE, mediaTypeOf, queryOf } from '../routes/classify.js';
import { createQueryCheck } from '../validation.js';
import type { Asker, ShortRoute } from './short-route.js';

const ROUTE = '/classify';
const ordinaryTypes = new Set(contentTypes);

export function shortClassify(options: {
  readonly classifier: Classifier;
  readonly disclosure: Disclosure;
  readonly maxImageBytes: number;
}): ShortRoute {
  const { classifier, disclosure } = options;
  const isValid = createQueryCheck(queryOf(disclosure));

  return (url) => {
    if (url !== ROUTE && !url.startsWith(`${ROUTE}?`)) return undefined;
    const given = { ...parse(url.slice(ROUTE.length + 1)) };
    if (!isValid(given)) return undefined;
    const query: ClassifyQuery = given;
    const planFor = ({ caller }: Asker) =>
      createPlan(classifier.catalog.find(query.model, query.version), query, caller);

    return {
      route: ROUTE,
      contentTypes: ordinaryTypes,
      bodyLimit: options.maxImageBytes,
      check: planFor,
      async answer({ headers }, bytes, asker, signal) {
        const plan = planFor(asker); // the models may have changed since the check
        const admitted = classifier.admit(1, asker.client, asker.caller);
        try {
          const mediaType = mediaTypeOf(headers['content-type']);
          const prediction = await admitted.classify({ bytes, mediaType }, plan, signal);
          const told = disclosure.of(prediction);
          return {
            headers: { ...disclosure.headers(prediction), 'content-type': JSON_TYPE },
            body: disclosure.text(told, [told], plan.model.manifest.classes),
          };
        } finally {
          admitted.leave();
        }
      },
    };
  };
}
