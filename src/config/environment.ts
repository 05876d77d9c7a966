// The settings that an environment has. What stands there by mistake does not stop the start: it is told.
import { closest, distance } from 'fastest-levenshtein';
import { environmentVariableOf, flagOf, type SettingName, settingNames } from './settings.js';

export interface EnvironmentSettings {
  /** As text; an empty variable counts as unset. */
  readonly settings: Readonly<Partial<Record<SettingName, string>>>;
  /** A sentence for every variable that has no effect. */
  readonly notices: readonly string[];
}

/**
 * Kubernetes describes every service of a namespace to every container in variables of these forms. For a service named
 * `rdi` or `rdi-…` they begin as ours do: RDI_PORT=tcp://10.0.0.7:80, RDI_PORT_80_TCP_ADDR=10.0.0.7, RDI_SERVICE_HOST=10.0.0.7.
 * Settings whose names end in _PORT share the form of the address alone, and no number looks like one.
 * https://kubernetes.io/docs/concepts/containers/container-environment/
 */
const serviceVariable =
  /^RDI_(\w+_)?(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)$/;
const serviceAddress = /^(tcp|udp|sctp):\/\//;

function isOfService(variable: string, value: string): boolean {
  return serviceVariable.test(variable) || (variable.endsWith('_PORT') && serviceAddress.test(value));
}

/** More changes than this make another word of a name. */
const MOST_TYPING_ERRORS = 3;

export function settingsIn(environment: NodeJS.ProcessEnv): EnvironmentSettings {
  const settings: Partial<Record<SettingName, string>> = {};
  const notices: string[] = [];
  const names = new Map(settingNames.map((name) => [environmentVariableOf(name), name]));
  for (const [variable, value = ''] of Object.entries(environment)) {
    if (!variable.startsWith('RDI_') || value === '') continue;
    const name = names.get(variable);
    if (isOfService(variable, value)) {
      if (name !== undefined) notices.push(portOfService(name, value));
    } else if (name !== undefined) settings[name] = value;
    else notices.push(unknownVariable(variable, [...names.keys()]));
  }
  return { settings, notices };
}

function unknownVariable(variable: string, known: readonly string[]): string {
  const nearest = closest(variable, known);
  const isNear = distance(variable, nearest) <= MOST_TYPING_ERRORS;
  return `${variable} is no setting and has no effect.${isNear ? ` Did you mean ${nearest}?` : ''}`;
}

function portOfService(name: SettingName, value: string): string {
  const variable = environmentVariableOf(name);
  const service = variable.slice(0, -'_PORT'.length).toLowerCase().replaceAll('_', '-');
  return (
    `${variable}=${value} describes a Kubernetes service named ${service} and is ignored. ` +
    `Set enableServiceLinks: false in the pod, or give the port as ${flagOf(name)}.`
  );
}
