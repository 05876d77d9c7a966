// A multi-exit network as an ONNX graph that has passed all checks. Costs and segments are derived from it.
import { nameRange } from '../format/class-names.js';
import { PackageError } from '../foundation/errors.js';
import type { Shape } from '../onnx/dimensions.js';
import type { Graph } from '../onnx/graph.js';
import { readGraph } from '../onnx/graph.js';
import { type GraphImage, imageDimensions, inferShapes } from '../onnx/shapes.js';
import { checkCuts, type ExitTensors } from './cuts.js';

export interface MultiExitGraph {
  readonly graph: Graph;
  readonly image: GraphImage;
  readonly exits: readonly ExitTensors[];
  /** Of every tensor on the way to an exit, including the batch. */
  readonly shapes: ReadonlyMap<string, Shape>;
}

/**
 * @param classes names of the classes; every exit must have one logit per class
 * @throws PackageError if the file cannot be read or cannot be run stage by stage as described.
 */
export function readMultiExitGraph(
  bytes: Uint8Array,
  image: GraphImage,
  classes: readonly string[],
  exits: readonly ExitTensors[],
): MultiExitGraph {
  const graph = readGraph(bytes);
  checkCuts(graph, image.tensor, exits);
  checkImageShape(graph, image);
  const shapes = inferShapes(
    graph,
    image,
    exits.flatMap(({ logits, cut }) => (cut === undefined ? [logits] : [logits, cut])),
  );
  for (const exit of exits) {
    const dimensions = imageDimensions(shapes, exit.logits);
    if (dimensions.length !== 1 || dimensions[0] !== classes.length) {
      throw new PackageError(
        `The logits "${exit.logits}" of exit "${exit.name}" have the shape [batch, ${dimensions.join(', ')}], ` +
          `but there are ${classes.length} classes (${nameRange(classes)}).`,
      );
    }
    if (exit.cut !== undefined) imageDimensions(shapes, exit.cut);
  }
  return { graph, image, exits, shapes };
}

function checkImageShape(graph: Graph, image: GraphImage): void {
  const declared = graph.inputs.get(image.tensor)?.shape?.slice(1);
  if (!declared) return;
  const fits =
    declared.length === image.shape.length &&
    declared.every((dimension, axis) => dimension === null || dimension === image.shape[axis]);
  if (!fits) {
    throw new PackageError(
      `Input "${image.tensor}" of model.onnx takes [batch, ${declared.map((one) => one ?? 'any').join(', ')}], ` +
        `not the described [batch, ${image.shape.join(', ')}].`,
    );
  }
}
