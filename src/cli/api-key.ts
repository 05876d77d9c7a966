// `rdi-serve api-key`: makes a key for a client and admits it.
import { appendFile } from 'node:fs/promises';
import process from 'node:process';
import { Command } from 'commander';
import { createApiKey } from '../api-keys.js';

export function apiKeyCommand(): Command {
  return new Command('api-key')
    .description(
      'Make an API key: its digest is added to the file that RDI_API_KEYS_FILE names, the key itself is printed ' +
        'and kept nowhere. To revoke it, delete its line. The server reads the file when it starts.',
    )
    .argument('<client>', 'whose key it is: its name is logged with every request')
    .requiredOption('-f, --file <file>', 'the file of digests; made if it does not exist')
    .action(async (client: string, { file }: { file: string }) => {
      const { key, line } = createApiKey(client);
      await appendFile(file, `${line}\n`, { mode: 0o600 });
      process.stdout.write(`${key}\n`);
    });
}
