// The candidates of a network: places where it can be cut, with the features that an exit there would take.
import type { Engine } from '../engines/engine.js';
import { PackageError } from '../foundation/errors.js';
import { countFlops } from '../network/flops.js';
import { elementTypes, FLOAT16, FLOAT32 } from '../network/intake/element-types.js';
import { untypedOutput, withGraph } from '../onnx/build.js';
import { decodeModel, encodeModel } from '../onnx/proto.js';
import { chooseCandidates, findPlaces, type Place } from './candidates.js';
import type { Hanging } from './heads/exit-graph.js';
import { featureForm } from './heads/pooled-features.js';
import type { PlainNetwork } from './plain-network.js';

/** Beyond this, the normal equations of one head take minutes and gigabytes. */
const MOST_FEATURES = 4096;

export interface Candidate extends Hanging, Place {
  readonly elementType: number;
}

/** @throws PackageError if there is none, with the reason */
export async function findCandidates(engine: Engine, plain: PlainNetwork): Promise<Candidate[]> {
  const { network, input, description } = plain;
  const places = findPlaces(network);
  const types = await typesOf(engine, plain.graph, places);
  const [flops] = countFlops(network);
  const usable = places.flatMap((place): Candidate[] => {
    const elementType = types.get(place.tensor) ?? 0;
    const form = featureForm(place.shape, {
      aspect: input.height / input.width,
      classes: description.classes.length,
      backbone: flops?.cumulative ?? 0,
      opset: network.graph.opset,
      isConverted: elementType !== FLOAT32,
    });
    const isFloat = elementType === FLOAT32 || elementType === FLOAT16;
    return isFloat && form && form.count <= MOST_FEATURES ? [{ ...place, form, elementType }] : [];
  });
  const candidates = chooseCandidates(usable) as Candidate[];
  if (candidates.length === 0) throw new PackageError(noCandidate(places, usable));
  return candidates;
}

function noCandidate(places: readonly Place[], usable: readonly Place[]): string {
  const listed = (tensors: readonly Place[]): string =>
    tensors
      .slice(0, 5)
      .map(({ tensor, shape, share }) => `"${tensor}" [${shape.join(', ')}] at ${Math.round(100 * share)} %`)
      .join(', ');
  if (places.length === 0) {
    return (
      'The network has no place for an exit: no tensor between the image and the logits is the only one that leads on. ' +
      'Networks whose blocks all see earlier ones can only be cut where such blocks end.'
    );
  }
  if (usable.length === 0) {
    return (
      'The network has no place for an exit: the tensors at which it can be cut are no images or tokens of floats: ' +
      `${listed(places)} of the cost.`
    );
  }
  return (
    'The network has no place for an exit between 2 and 90 % of its cost; it can be cut only at ' +
    `${listed(usable)} of the cost.`
  );
}

async function typesOf(
  engine: Engine,
  model: Uint8Array,
  places: readonly Place[],
): Promise<Map<string, number>> {
  const output = places.map(({ tensor }) => untypedOutput(tensor));
  if (output.length === 0) return new Map();
  const examined = await engine.examine?.(
    encodeModel(withGraph(decodeModel(model), { output, valueInfo: [] })),
  );
  await examined?.release();
  return new Map([...(examined?.types ?? [])].map(([name, type]) => [name, elementTypes.get(type) ?? 0]));
}
