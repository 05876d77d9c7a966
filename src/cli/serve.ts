// `rdi-serve serve`: every setting of config.ts as a flag with its environment variable.
import process from 'node:process';
import { Command, Option } from 'commander';
import { createConfig } from '../config/config.js';
import { settingsIn } from '../config/environment.js';
import {
  defaultOf,
  environmentVariableOf,
  flagOf,
  type SettingName,
  Settings,
  settingNames,
} from '../config/settings.js';
import { serve } from '../server.js';

/** @param engineModule as for `startService` */
export function serveCommand(engineModule?: string): Command {
  const command = new Command('serve').description('Serve the models over HTTP until SIGTERM.');
  for (const name of settingNames) command.addOption(optionOf(name));
  return command.action(async (options: Record<string, unknown>) => {
    const flags = Object.entries(options).filter(([name]) => command.getOptionValueSource(name) === 'cli');
    const { settings, notices } = settingsIn(process.env);
    await serve(createConfig({ ...settings, ...Object.fromEntries(flags) }), { engineModule, notices });
  });
}

function optionOf(name: SettingName): Option {
  const { description = '', type } = Settings.properties[name] as { description?: string; type?: string };
  const option =
    type === 'boolean'
      ? new Option(`${flagOf(name)} [true|false]`, description).preset('true')
      : new Option(`${flagOf(name)} <value>`, description);
  // For --help; the variables are read by environment.ts.
  return option.env(environmentVariableOf(name)).default(defaultOf(name));
}
