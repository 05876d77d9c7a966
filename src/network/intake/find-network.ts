// Finds the image, the exits and the cuts of a network in an ONNX file that has no description.
import { PackageError } from '../../foundation/errors.js';
import { BATCH } from '../../onnx/dimensions.js';
import { type DeclaredTensor, type Graph, readGraph } from '../../onnx/graph.js';
import { variableTensors, walkBack } from '../../onnx/graph-walk.js';
import { followShapes } from '../../onnx/shapes.js';
import { validCuts } from '../valid-cuts.js';
import type { DescribedExit } from './described-exit.js';
import { findCuts } from './find-cuts.js';

export interface FoundImage {
  readonly tensor: string;
  readonly channels: 1 | 3;
  /** undefined: the file does not fix it. */
  readonly height: number | undefined;
  readonly width: number | undefined;
  readonly layout: 'nchw' | 'nhwc';
}

export interface FoundNetwork {
  readonly image: FoundImage;
  /** In order from the image; the last one is the final exit. */
  readonly exits: readonly DescribedExit[];
  /** Number of logits of every exit. */
  readonly classes: number;
}

/**
 * @param classes the number of classes, if it is known
 * @throws PackageError that says what cannot be found and must be described
 */
export function findNetwork(bytes: Uint8Array, classes: number | undefined): FoundNetwork {
  const graph = readGraph(bytes);
  const image = findImage(graph);
  const [width, outputs] = findLogits(graph, classes);
  const logits = inOrder(graph, outputs);
  const cuts = findCuts(graph, logits, rowsOfImages(graph, image, logits));
  const exits = logits.map((name, index): DescribedExit => {
    const cut = cuts[index];
    if (index === logits.length - 1 || !cut) return { name: 'final', logits: name };
    const [first, ...more] = cut;
    return {
      name: `exit-${index}`,
      logits: name,
      cut: more.length === 0 && first !== undefined ? first : cut,
    };
  });
  return { image, exits, classes: width };
}

function findImage({ inputs }: Graph): FoundImage {
  const [[tensor, declared] = ['', undefined], ...others] = [...inputs];
  if (!declared || others.length > 0) {
    throw new PackageError(
      `model.onnx has the inputs ${quoted([...inputs.keys()])}; it must have one input, the image.`,
    );
  }
  const [, first, second, third, ...more] = declared.shape ?? [];
  const layouts = [
    { layout: 'nchw', channels: first, height: second, width: third },
    { layout: 'nhwc', channels: third, height: first, width: second },
  ] as const;
  const fitting = layouts.find(({ channels }) => channels === 1 || channels === 3);
  if (!fitting || more.length > 0 || third === undefined) {
    throw new PackageError(
      `The input "${tensor}" of model.onnx is ${shapeText(declared)}; an image has 1 or 3 channels: ` +
        '[batch, channels, height, width] or [batch, height, width, channels].',
    );
  }
  const { layout, channels, height, width } = fitting;
  return {
    tensor,
    channels: channels === 1 ? 1 : 3,
    height: height ?? undefined,
    width: width ?? undefined,
    layout,
  };
}

/** The outputs with the most frequent width. */
function findLogits({ outputs }: Graph, classes: number | undefined): [width: number, names: string[]] {
  const byWidth = new Map<number, string[]>();
  for (const [name, { shape }] of outputs) {
    const width = shape?.length === 2 ? shape[1] : undefined;
    if (typeof width !== 'number' || (classes !== undefined && width !== classes)) continue;
    byWidth.set(width, [...(byWidth.get(width) ?? []), name]);
  }
  const [most, next] = [...byWidth].sort(([, a], [, b]) => b.length - a.length);
  if (!most || next?.[1].length === most[1].length) {
    const wanted = classes === undefined ? 'the logits' : `logits of ${classes} classes`;
    const listed = [...outputs].map(([name, declared]) => `"${name}" ${shapeText(declared)}`);
    throw new PackageError(
      `It is not clear which outputs of model.onnx are ${wanted}: ${listed.join(', ')}. ` +
        'Give --classes with one name per class, or describe the exits in a description.json.',
    );
  }
  return most;
}

/**
 * The outputs in the order in which they leave the backbone. An output leaves later if it shares more possible cuts
 * with another output. The number of nodes decides only between outputs that share equally many, such as the last two:
 * the final exit is the one with more nodes.
 */
function inOrder(graph: Graph, outputs: readonly string[]): string[] {
  const variable = variableTensors(graph);
  const ranked = outputs.map((name) => {
    const shared = outputs.flatMap((other) =>
      other === name ? [] : [validCuts(graph, [name, other]).length],
    );
    return {
      name,
      shared: Math.max(0, ...shared),
      nodes: walkBack(graph, [name], new Set(), variable).nodes.length,
    };
  });
  return ranked.sort((a, b) => a.shared - b.shared || a.nodes - b.nodes).map(({ name }) => name);
}

/** Whether a tensor has one row per image. A tensor of unknown shape is assumed to have one. */
function rowsOfImages(
  graph: Graph,
  { tensor, layout, channels, height, width }: FoundImage,
  logits: readonly string[],
): (name: string) => boolean {
  if (height === undefined || width === undefined) return () => true;
  const shape = layout === 'nchw' ? [channels, height, width] : [height, width, channels];
  const { shapes } = followShapes(graph, { tensor, shape }, logits);
  return (name) => (shapes.get(name)?.[0] ?? BATCH) === BATCH;
}

function shapeText({ shape, symbols }: DeclaredTensor): string {
  if (!shape) return 'of unknown shape';
  return `[${shape.map((extent, axis) => extent ?? (symbols[axis] || 'any')).join(', ')}]`;
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ') || 'none';
}
