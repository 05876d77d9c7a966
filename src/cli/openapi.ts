// `rdi-serve openapi`: writes the OpenAPI document of this version, as GET /openapi.json of a server with API keys serves
// it, but with an address for generated clients. It loads no model and starts no engine.
import { Command } from 'commander';
import { pino } from 'pino';
import { createConfig } from '../config/config.js';
import { buildApp } from '../http/app.js';
import { createCatalog } from '../serving/catalog.js';
import type { Classifier } from '../serving/classifier.js';
import { createLogger } from '../telemetry/logging.js';
import { createMetrics } from '../telemetry/metrics.js';
import { writeOutputInNewFolder } from './output-file.js';

export function openapiCommand(): Command {
  return new Command('openapi')
    .description('Write the OpenAPI document.')
    .option('-o, --output <file>', 'the file to write', 'openapi/openapi.json')
    .action(async ({ output }: { output: string }) => {
      const document = await openapiDocument();
      await writeOutputInNewFolder(output, `${JSON.stringify(document, null, 2)}\n`);
    });
}

async function openapiDocument(): Promise<unknown> {
  const app = await buildApp({
    config: createConfig(),
    classifier: withoutModels,
    metrics: createMetrics([]),
    logger: createLogger('warn', pino.destination(2)),
    isDraining: () => false,
    // The document of a server with API keys: generated clients can then send one.
    apiKeys: { ownerOf: () => undefined },
  });
  const document = app.swagger();
  await app.close();
  return document;
}

/** Stands in for the classifier: the routes are only described, never called. */
const withoutModels: Classifier = {
  catalog: createCatalog(''),
  engine: { name: '', device: '', workers: 0, passedOver: [] },
  slowdown: undefined,
  refused: () => [],
  hasWorkers: () => false,
  hasRoom: () => false,
  admit() {
    throw new Error('No image is classified for the document. This is a bug in rdi-serve.');
  },
  reload: async () => {},
  close: async () => {},
};
