// The schema of `description.json`: the author's description of a network for its import.
// The rest of a manifest is computed from the graph. See also packages/import.ts.
import Type from 'typebox';
import { checkClassNames } from './class-names.js';
import { checkExitNames, checkInput } from './documents.js';
import { checkExamples } from './expectation.js';
import { Manifest, ManifestExit, ModelInput } from './manifest.js';
import { readDocument } from './read-document.js';

export const DESCRIPTION_FILE = 'description.json';

const { tensor, background, ...input } = ModelInput.properties;
const { name, version, description, licence, classes, expects, examples, provenance } = Manifest.properties;
const { flops: _counted, cut, ...exit } = ManifestExit.properties;

/** Several tensors may cross together. Import joins them into one tensor, which the manifest names. */
const CrossingTensors = Type.Union([cut, Type.Array(cut, { minItems: 1, uniqueItems: true })]);

export const Description = Type.Object(
  {
    name,
    version,
    description,
    licence,
    classes,
    tensor,
    expects,
    examples,
    input: Type.Object({ ...input, background: Type.Optional(background) }, { additionalProperties: false }),
    exits: Type.Array(
      Type.Object({ ...exit, cut: Type.Optional(CrossingTensors) }, { additionalProperties: false }),
      { minItems: 1 },
    ),
    provenance,
  },
  { additionalProperties: false },
);
export type Description = Type.Static<typeof Description>;

/** @throws PackageError if the document does not describe a network. */
export function readDescription(bytes: Uint8Array): Description {
  const described = readDocument(DESCRIPTION_FILE, bytes, Description);
  checkInput(DESCRIPTION_FILE, described.input);
  checkExitNames(DESCRIPTION_FILE, described.exits);
  checkClassNames(DESCRIPTION_FILE, described.classes);
  checkExamples(DESCRIPTION_FILE, described);
  return described;
}
