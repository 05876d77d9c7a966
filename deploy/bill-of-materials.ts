// Prints the bill of materials of what is installed to run, as CycloneDX JSON. `npm sbom --omit dev` would also leave out
// each runtime package that a development package depends on, so npm lists all packages, and those that are only for
// development are left out here.
import { execFile } from 'node:child_process';
import process from 'node:process';
import { promisify } from 'node:util';

interface Bill {
  readonly components: readonly {
    readonly 'bom-ref': string;
    readonly properties?: readonly { readonly name: string }[];
  }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

const command = ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application'];
const { stdout } = await promisify(execFile)('npm', command, { maxBuffer: 2 ** 26 });
const bill = JSON.parse(stdout) as Bill;
const components = bill.components.filter(
  ({ properties = [] }) => !properties.some(({ name }) => name === 'cdx:npm:package:development'),
);
const left = new Set(components.map((component) => component['bom-ref']));
const [root, ...others] = bill.dependencies;
const dependencies = [...(root ? [root] : []), ...others.filter(({ ref }) => left.has(ref))].map(
  ({ dependsOn = [], ...one }) => ({ ...one, dependsOn: dependsOn.filter((ref) => left.has(ref)) }),
);
process.stdout.write(`${JSON.stringify({ ...bill, components, dependencies }, undefined, 2)}\n`);
