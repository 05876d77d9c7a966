// The register of versions: which are served, what is wrong with what lies in the models folder, and the pins. Requests,
// GET /models and the metrics get all of it in one turn of the event loop.
import { labelOf, type Network } from '../../network/network.js';
import { PIN_FILE, type Pin } from '../../packages/models-folder/default-version.js';
import { compareNames, type FoundVersion, type Survey } from '../../packages/models-folder/survey.js';
import type { ModelPackage } from '../../packages/package.js';
import type { RefusedPackage } from '../../packages/repository.js';
import type { Metrics } from '../../telemetry/metrics.js';
import type { EngineInfo } from '../../workers/protocol.js';
import type { Catalog, ServedModel } from '../catalog.js';
import { createInfoSeries } from './info-series.js';

/** A version in service. */
export interface ServedVersion {
  readonly package: ModelPackage;
  readonly network: Network;
  readonly model: ServedModel;
}

export interface VersionRecord {
  readonly name: string;
  readonly version: string;
  served: ServedVersion | undefined;
  /** Why what lies in the folder is not served, in one sentence. A version from before may be served nevertheless. */
  fault: string | undefined;
  /** Fingerprint of the folder when it was last read. */
  tried: string | undefined;
  /** Whether it is useless to read the same files again. */
  isSettled: boolean;
}

export interface Register {
  /** Sorted by name and then by version, the newest last. */
  records(): VersionRecord[];
  /** Makes a record for a version that has none. */
  recordOf(version: Pick<FoundVersion, 'name' | 'version'>): VersionRecord;
  drop(record: VersionRecord): void;
  /** Takes over the pins and the folders that cannot be read. */
  note(survey: Survey): void;
  /** Notes that the models folder itself cannot be relied on; undefined: it can. */
  noteFolder(fault: string | undefined): void;
  /** Why a version stays in service although its folder is gone; undefined: nothing needs it. */
  needFor(record: VersionRecord): string | undefined;
  /** All packages and pins that are not served as they lie there, and why. */
  refused(): RefusedPackage[];
  /** By name: the version for requests that name none, and whether a pin says so. */
  defaults(): ReadonlyMap<string, { readonly version: string; readonly isPinned: boolean }>;
  /** Serves what is in the register. */
  publish(): void;
}

export interface RegisterOptions {
  readonly catalog: Catalog;
  readonly engine: EngineInfo;
  readonly metrics: Pick<Metrics, 'modelInfo' | 'modelDefaultInfo'>;
}

/** Stands for the models folder itself, and for all versions of a name. */
const ALL = '*';

export function createRegister({ catalog, engine, metrics }: RegisterOptions): Register {
  const byLabel = new Map<string, VersionRecord>();
  let pins = new Map<string, Pin>();
  let unreadable: ReadonlyMap<string, string> = new Map();
  let folderFault: string | undefined;
  let defaults = new Map<string, { version: string; isPinned: boolean }>();
  const modelSeries = createInfoSeries(metrics.modelInfo);
  const defaultSeries = createInfoSeries(metrics.modelDefaultInfo);

  function records(): VersionRecord[] {
    return [...byLabel.values()].sort(
      (one, other) => compareNames(one.name, other.name) || compareNames(one.version, other.version),
    );
  }

  function servedVersions(name: string): string[] {
    return records().flatMap((one) => (one.name === name && one.served ? [one.version] : []));
  }

  function faultOf(name: string, { version, fault }: Pin): RefusedPackage | undefined {
    if (version === undefined) return { name, version: ALL, reason: fault };
    const record = byLabel.get(labelOf({ name, version }));
    if (record?.served || record?.fault !== undefined) return undefined;
    return { name, version, reason: `${PIN_FILE} names it, but there is no such version.` };
  }

  function refused(): RefusedPackage[] {
    return [
      ...(folderFault === undefined ? [] : [{ name: ALL, version: ALL, reason: folderFault }]),
      ...[...unreadable].map(([name, reason]) => ({ name, version: ALL, reason })),
      ...records().flatMap(({ name, version, fault }) =>
        fault === undefined ? [] : [{ name, version, reason: fault }],
      ),
      ...[...pins].flatMap(([name, pin]) => faultOf(name, pin) ?? []),
    ];
  }

  /** A pin to a version that is not served changes nothing: the default from before stays. */
  function defaultOf(name: string): { version: string; isPinned: boolean } | undefined {
    const versions = servedVersions(name);
    const pin = pins.get(name);
    const isServed = (version: string | undefined) => version !== undefined && versions.includes(version);
    if (isServed(pin?.version)) return { version: pin?.version ?? '', isPinned: true };
    const before = defaults.get(name);
    if (pin && before && isServed(before.version)) return before;
    const newest = versions.at(-1);
    return newest === undefined ? undefined : { version: newest, isPinned: false };
  }

  return {
    records,

    recordOf({ name, version }) {
      const label = labelOf({ name, version });
      const known = byLabel.get(label);
      if (known) return known;
      const record = {
        name,
        version,
        served: undefined,
        fault: undefined,
        tried: undefined,
        isSettled: false,
      };
      byLabel.set(label, record);
      return record;
    },

    drop: (record) => void byLabel.delete(labelOf(record)),

    note(survey) {
      const unsettled = (name: string) => survey.inFlux.has(name) || survey.unreadable.has(name);
      pins = new Map([
        ...[...survey.pins].filter(([name]) => !unsettled(name)),
        ...[...pins].filter(([name]) => unsettled(name)),
      ]);
      unreadable = survey.unreadable;
    },

    noteFolder(fault) {
      folderFault = fault;
    },

    needFor({ name, version }) {
      if (pins.get(name)?.version === version) return `${PIN_FILE} names it`;
      const isLast = servedVersions(name).length === 1;
      return isLast && name === catalog.defaultModel
        ? 'it is the last version of the default model'
        : undefined;
    },

    refused,
    defaults: () => defaults,

    publish() {
      const models = records().flatMap(({ served }) => served?.model ?? []);
      const names = new Set(models.map(({ name }) => name));
      defaults = new Map(
        [...names].flatMap((name) => {
          const found = defaultOf(name);
          return found ? [[name, found] as const] : [];
        }),
      );
      catalog.serve(models, new Map([...defaults].map(([name, { version }]) => [name, version])));
      const device = { engine: engine.name, device: engine.device };
      modelSeries.show([
        ...models.map(({ name: model, version }) => ({ model, version, ...device, status: 'served' })),
        ...refused().map(({ name: model, version }) => ({ model, version, ...device, status: 'refused' })),
      ]);
      defaultSeries.show(
        [...defaults].map(([model, { version, isPinned }]) => ({ model, version, pinned: `${isPinned}` })),
      );
    },
  };
}
