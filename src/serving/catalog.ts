// The served models, and how a request's `model` and `version` select one of them.

import { FULL_PROFILE, type Profile } from '../format/profiles.js';
import { fitsInput } from '../format/typicality.js';
import { Failure, invariant } from '../foundation/errors.js';
import { type ExecutionPath, fullFlops, pathsOf } from '../network/execution-path.js';
import { labelOf, type Network } from '../network/network.js';
import type { ExampleImage } from '../packages/example-images.js';
import type { ModelPackage } from '../packages/package.js';
import { createTypicality, type Typicality } from '../typicality/typicality.js';
import type { EngineInfo } from '../workers/protocol.js';
import type { ProfileAudit } from './auditing/profile-audit.js';
import type { Ladders, ModelLadder } from './degradation/ladders.js';

/** A profile with its paths. Requests on the same path have the same path object, which lets them share a batch. */
export interface ServedProfile extends Profile {
  /** By the last exit that the path may reach. */
  readonly paths: readonly ExecutionPath[];
  readonly audit: ProfileAudit | undefined;
}

export interface ServedModel extends Network {
  readonly name: string;
  readonly version: string;
  /** `name/version`, for people. */
  readonly label: string;
  readonly profiles: ReadonlyMap<string, ServedProfile>;
  /** The profile `full` with its whole path. */
  readonly full: ServedProfile & { readonly path: ExecutionPath };
  readonly defaultProfile: string;
  readonly examples: readonly ExampleImage[];
  /** undefined: the operator has given no ladder. */
  readonly ladder: ModelLadder | undefined;
  /** undefined: the package does not say what typical images look like, or for another preprocessing. */
  readonly typicality: Typicality | undefined;
  readonly engine: EngineInfo;
  /** FLOPs of the backbone with only its final exit. */
  readonly fullFlops: number;
}

/** Builds the served model from a package. @param network its network, as the workers have loaded it */
export function servedModelOf(
  one: ModelPackage,
  network: Network,
  engine: EngineInfo,
  audits: ReadonlyMap<string, ProfileAudit>,
  ladderOf: Ladders['of'] = () => undefined,
): ServedModel {
  const { manifest, defaultProfile, typicality } = one;
  const { name, version, exits } = manifest;
  const profiles = new Map(
    [...one.profiles].map(([key, profile]): [string, ServedProfile] => [
      key,
      { ...profile, paths: pathsOf(exits, profile), audit: audits.get(key) },
    ]),
  );
  const full = profiles.get(FULL_PROFILE);
  const path = full?.paths.at(-1);
  invariant(full && path, 'every package has the profile full');
  const flopsOfFull = fullFlops(exits);
  return {
    ...network,
    name,
    version,
    label: labelOf(manifest),
    profiles,
    full: { ...full, path },
    defaultProfile,
    examples: one.examples,
    ladder: ladderOf({ name, version, profiles, defaultProfile, fullFlops: flopsOfFull }),
    typicality:
      typicality && fitsInput(typicality, manifest.input)
        ? createTypicality(typicality, manifest.input)
        : undefined,
    engine,
    fullFlops: flopsOfFull,
  };
}

export interface Catalog {
  /** Sorted by name, and versions from oldest to newest. */
  readonly models: readonly ServedModel[];
  readonly defaultModel: string;
  /** The named or the default model, in the named or its default version. @throws Failure `unknown-model` */
  find(name?: string, version?: string): ServedModel;
  /** Whether requests that name the model and no version get this one. */
  isDefault(model: ServedModel): boolean;
  /**
   * Replaces all models at once, for all following requests.
   * @param models sorted. @param defaults by name: the default version; without one, the newest
   */
  serve(models: readonly ServedModel[], defaults: ReadonlyMap<string, string>): void;
}

/** @param defaultModel name of a model. It is served, or no request is answered that names none. */
export function createCatalog(defaultModel: string): Catalog {
  let models: readonly ServedModel[] = [];
  let defaults: ReadonlyMap<string, ServedModel> = new Map();

  return {
    get models() {
      return models;
    },
    defaultModel,
    find(name = defaultModel, version) {
      const found =
        version === undefined
          ? defaults.get(name)
          : models.find((model) => model.name === name && model.version === version);
      if (found) return found;
      const wanted = version === undefined ? name : labelOf({ name, version });
      const known = models.map(({ label }) => label).join(', ');
      throw new Failure('unknown-model', `${wanted} is not served here; these are: ${known}.`);
    },
    isDefault: (model) => defaults.get(model.name) === model,
    serve(next, versions) {
      models = next;
      const newest = new Map(next.map((model) => [model.name, model]));
      const named = next.filter(({ name, version }) => versions.get(name) === version);
      defaults = new Map([...newest, ...named.map((model) => [model.name, model] as const)]);
    },
  };
}
