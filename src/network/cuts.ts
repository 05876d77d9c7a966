// Checks that a network can be run stage by stage. Each cut must be the only tensor that crosses to the next stage.
// Each head must depend on its own cut alone, so that skipping the head changes no other answer.
import { PackageError } from '../foundation/errors.js';
import type { Graph } from '../onnx/graph.js';
import { variableTensors, walkBack } from '../onnx/graph-walk.js';
import { TensorProto_DataType } from '../protobuf/onnx-ml_pb.js';
import { listOf, similarNames } from './suggestions.js';
import { validCuts } from './valid-cuts.js';

/** The tensors of an exit in the graph. */
export interface ExitTensors {
  readonly name: string;
  readonly logits: string;
  /** Absent only at the final exit. */
  readonly cut?: string;
}

/**
 * @param image name of the graph input.
 * @throws PackageError that names the exit, its cut and the tensor that bypasses it.
 */
export function checkCuts(graph: Graph, image: string, exits: readonly ExitTensors[]): void {
  checkImage(graph, image);
  const variable = variableTensors(graph);
  const taken = new Map<string, string>();
  exits.forEach((exit, index) => {
    const final = index === exits.length - 1;
    checkLogits(graph, exit);
    if (!final && exit.cut === undefined) {
      throw new PackageError(`Exit "${exit.name}" names no cut.${cutsFor(graph, exits.slice(index))}`);
    }
    if (final && exit.cut !== undefined) {
      throw new PackageError(
        `Exit "${exit.name}" is the final exit and must not name a cut ("${exit.cut}").`,
      );
    }
    for (const tensor of [exit.logits, ...(exit.cut === undefined ? [] : [exit.cut])]) {
      if (!graph.producers.has(tensor)) {
        throw new PackageError(
          `Exit "${exit.name}" names "${tensor}", which no operator of model.onnx makes.` +
            similarNames(tensor, graph.producers.keys()) +
            cutsFor(graph, exits.slice(index)),
        );
      }
      if (!variable.has(tensor)) {
        throw new PackageError(`Exit "${exit.name}" names "${tensor}", which does not depend on the image.`);
      }
      const other = taken.get(tensor);
      if (other !== undefined) {
        throw new PackageError(`"${tensor}" is named twice, at exit "${other}" and at exit "${exit.name}".`);
      }
      taken.set(tensor, exit.name);
    }
  });
  exits.forEach((exit, index) => {
    if (exit.cut === undefined) return;
    checkCut(graph, variable, { ...exit, cut: exit.cut }, exits.slice(index + 1));
  });
}

function checkImage(graph: Graph, image: string): void {
  const declared = graph.inputs.get(image);
  if (!declared) throw new PackageError(`model.onnx has no input "${image}".`);
  if (declared.elementType !== TensorProto_DataType.FLOAT) {
    throw new PackageError(`Input "${image}" of model.onnx is not float32.`);
  }
  if (typeof declared.shape?.[0] === 'number') {
    throw new PackageError(
      `Input "${image}" of model.onnx has a fixed batch of ${declared.shape[0]}; ` +
        'export the network with a dynamic batch.',
    );
  }
}

function checkLogits(graph: Graph, exit: ExitTensors): void {
  const declared = graph.outputs.get(exit.logits);
  if (!declared) {
    throw new PackageError(
      `The logits "${exit.logits}" of exit "${exit.name}" are not an output of model.onnx.` +
        similarNames(exit.logits, graph.outputs.keys()) +
        listOf('Its outputs', [...graph.outputs.keys()]),
    );
  }
  if (declared.elementType !== TensorProto_DataType.FLOAT) {
    throw new PackageError(`The logits "${exit.logits}" of exit "${exit.name}" are not float32.`);
  }
}

function checkCut(
  graph: Graph,
  variable: ReadonlySet<string>,
  exit: ExitTensors & { readonly cut: string },
  later: readonly ExitTensors[],
): void {
  const { name, cut } = exit;
  const before = tensorsBefore(graph, variable, cut);
  const swapped = later.find((other) => other.cut !== undefined && before.has(other.cut));
  if (swapped) {
    throw new PackageError(
      `The exits are out of order: cut "${swapped.cut}" of exit "${swapped.name}" lies before ` +
        `cut "${cut}" of exit "${name}".`,
    );
  }

  const crossing = (targets: readonly string[]) => crossingTensor(graph, variable, before, cut, targets);
  const passing = crossing([exit.logits]);
  if (passing !== undefined) {
    throw new PackageError(
      `The head of exit "${name}" must depend on cut "${cut}" alone, but it also takes tensor "${passing}".` +
        cutsFor(graph, [exit, ...later]),
    );
  }
  for (const other of later) {
    const targets = other.cut === undefined ? [other.logits] : [other.cut, other.logits];
    const bypass = crossing(targets);
    if (bypass !== undefined) {
      throw new PackageError(
        `Cut "${cut}" of exit "${name}" must be the only tensor that crosses to the next stage, ` +
          `but tensor "${bypass}" also leads to exit "${other.name}".` +
          cutsFor(graph, [exit, ...later]),
      );
    }
  }
}

/** A sentence with the possible cuts of the first of `exits`; the others are all later exits. */
function cutsFor(graph: Graph, exits: readonly ExitTensors[]): string {
  const [exit, ...later] = exits;
  if (!exit || later.length === 0) return '';
  const cuts = validCuts(graph, [exit.logits, ...later.map(({ logits }) => logits)]);
  return listOf(`Possible cuts for exit "${exit.name}"`, cuts);
}

/** The image and all tensors that are made on the way to `cut`, including side outputs, but not `cut` itself. */
function tensorsBefore(graph: Graph, variable: ReadonlySet<string>, cut: string): ReadonlySet<string> {
  const { nodes, sources } = walkBack(graph, [cut], new Set(), variable);
  const made = [...sources, ...nodes.flatMap((node) => node.outputs)];
  return new Set(made.filter((tensor) => tensor !== cut && variable.has(tensor)));
}

/** A tensor from before `cut` on which `targets` depend by a path that bypasses the cut. */
function crossingTensor(
  graph: Graph,
  variable: ReadonlySet<string>,
  before: ReadonlySet<string>,
  cut: string,
  targets: readonly string[],
): string | undefined {
  const { sources } = walkBack(graph, targets, new Set([cut, ...before]), variable);
  return [...sources].find((tensor) => before.has(tensor));
}
