// The served models, and how a request's `model` and `version` select one of them.

import { FULL_PROFILE, type Profile } from '../format/profiles.js';
import { Failure, invariant } from '../foundation/errors.js';
import { type ExecutionPath, fullFlops, pathsOf } from '../network/execution-path.js';
import { type Network, networkOf } from '../network/network.js';
import type { ModelPackage } from '../packages/package.js';
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
  readonly profiles: ReadonlyMap<string, ServedProfile>;
  /** The profile `full` with its whole path. */
  readonly full: ServedProfile & { readonly path: ExecutionPath };
  readonly defaultProfile: string;
  /** undefined: the operator has given no ladder. */
  readonly ladder: ModelLadder | undefined;
  readonly engine: EngineInfo;
  /** FLOPs of the backbone with only its final exit. */
  readonly fullFlops: number;
}

/** Builds the served model from a package. */
export function servedModelOf(
  one: ModelPackage,
  engine: EngineInfo,
  audits: ReadonlyMap<string, ProfileAudit>,
  ladderOf: Ladders['of'] = () => undefined,
): ServedModel {
  const { manifest, defaultProfile } = one;
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
    ...networkOf(one),
    name,
    version,
    profiles,
    full: { ...full, path },
    defaultProfile,
    ladder: ladderOf({ name, version, profiles, defaultProfile, fullFlops: flopsOfFull }),
    engine,
    fullFlops: flopsOfFull,
  };
}

export interface Catalog {
  readonly models: readonly ServedModel[];
  readonly defaultModel: string;
  /** The named or the default model, in the named or the newest version. @throws Failure `unknown-model` */
  find(name?: string, version?: string): ServedModel;
  /** Replaces the model with the same id, for all following requests. */
  replace(model: ServedModel): void;
}

/** @param initial sorted by name, and versions from oldest to newest. @param defaultModel name of one of them */
export function createCatalog(initial: readonly ServedModel[], defaultModel: string): Catalog {
  let models = initial;
  return {
    get models() {
      return models;
    },
    defaultModel,
    find(name = defaultModel, version) {
      const found = models.findLast(
        (model) => model.name === name && (version === undefined || model.version === version),
      );
      if (found) return found;
      const wanted = version === undefined ? name : `${name}/${version}`;
      const known = models.map(({ id }) => id).join(', ');
      throw new Failure('unknown-model', `${wanted} is not served here; these are: ${known}.`);
    },
    replace(model) {
      models = models.map((one) => (one.id === model.id ? model : one));
    },
  };
}
