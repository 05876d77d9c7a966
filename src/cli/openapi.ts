// `rdi-serve openapi`: writes the OpenAPI document of this version, as GET /openapi.json serves it.
import { Command } from 'commander';
import { createConfig } from '../config.js';
import { buildApp } from '../http/app.js';
import { startService } from '../serving/service.js';
import { createLogger } from '../telemetry/logging.js';
import { writeOutputInNewFolder } from './output-file.js';

export function openapiCommand(): Command {
  return new Command('openapi')
    .description('Write the OpenAPI document.')
    .option('-o, --output <file>', 'where to', 'openapi/openapi.json')
    .action(async ({ output }: { output: string }) => {
      const document = await openapiDocument();
      await writeOutputInNewFolder(output, `${JSON.stringify(document, null, 2)}\n`);
    });
}

async function openapiDocument(): Promise<unknown> {
  const config = createConfig({ workers: 1 });
  const logger = createLogger('warn');
  const { classifier, metrics } = await startService(config, logger);
  try {
    const app = await buildApp({ config, classifier, metrics, logger, isDraining: () => false });
    const { body } = await app.inject('/openapi.json');
    await app.close();
    return JSON.parse(body);
  } finally {
    await classifier.close();
  }
}
