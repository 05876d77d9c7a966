// `rdi-serve api-key`: makes an API key for a client and adds it to the keys file.
import process from 'node:process';
import { Command } from 'commander';
import { addApiKey, createApiKey } from '../access/keys-file.js';

export function apiKeyCommand(): Command {
  return new Command('api-key')
    .summary('make an API key for a client')
    .description(
      'Makes an API key and prints it. The key itself is not stored: only its digest is added to the file. ' +
        '`serve` with --api-keys-file (RDI_API_KEYS_FILE) follows the file. To revoke a key, delete its line. ' +
        'Other lines limit what a client computes: docs/budgets.md.',
    )
    .argument('<client>', 'name of the client; it is logged with every request')
    .requiredOption('-f, --file <file>', 'the file of digests; created if it does not exist')
    .action(async (client: string, { file }: { file: string }) => {
      const { key, line } = createApiKey(client);
      await addApiKey(file, line);
      process.stdout.write(`${key}\n`);
    });
}
