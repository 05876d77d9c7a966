// `rdi-serve serve`: every setting of config.ts as a flag with its environment variable.
import { Command, Option } from 'commander';
import { createConfig, defaultOf, environmentVariableOf, flagOf, Settings, settingNames } from '../config.js';
import { serve } from '../server.js';

/** @param engineModule as for `startService` */
export function serveCommand(engineModule?: string): Command {
  const command = new Command('serve').description('Serve the models over HTTP until SIGTERM.');
  for (const name of settingNames) {
    const { description = '', type } = Settings.properties[name] as { description?: string; type?: string };
    const option =
      type === 'boolean'
        ? new Option(`${flagOf(name)} [true|false]`, description).preset('true')
        : new Option(`${flagOf(name)} <value>`, description);
    command.addOption(option.env(environmentVariableOf(name)).default(defaultOf(name)));
  }
  return command.action(async (options: Record<string, unknown>) =>
    serve(createConfig(options), engineModule),
  );
}
