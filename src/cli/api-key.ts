// `rdi-serve api-key`: makes a key for a client and admits it.
import process from 'node:process';
import { Command } from 'commander';
import { addApiKey, createApiKey } from '../http/plugins/api-keys.js';

export function apiKeyCommand(): Command {
  return new Command('api-key')
    .summary('make an API key for a client')
    .description(
      'Makes an API key and prints it: it is kept nowhere. Its digest is added to the file, which `serve` reads when ' +
        'it starts with --api-keys-file (RDI_API_KEYS_FILE). To revoke the key, delete its line and restart.',
    )
    .argument('<client>', 'whose key it is: its name is logged with every request')
    .requiredOption('-f, --file <file>', 'the file of digests; made if it does not exist')
    .action(async (client: string, { file }: { file: string }) => {
      const { key, line } = createApiKey(client);
      await addApiKey(file, line);
      process.stdout.write(`${key}\n`);
    });
}
