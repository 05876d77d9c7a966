// Arithmetic on tensor dimensions when the size of the batch is not known.

/** The unknown number of images that are run together. */
export const BATCH = 'batch';
export type Dimension = number | typeof BATCH;
export type Shape = readonly Dimension[];

/** A number of elements: `factor` × batch ^ `batches`. */
export interface Size {
  readonly factor: number;
  readonly batches: number;
}

export function sizeOf(shape: Shape): Size {
  const known = shape.filter((dimension) => dimension !== BATCH);
  return {
    factor: known.reduce((product, dimension) => product * dimension, 1),
    batches: shape.length - known.length,
  };
}

/** The single dimension of that size; undefined if it is none. */
export function asDimension({ factor, batches }: Size): Dimension | undefined {
  if (batches === 0) return factor;
  return batches === 1 && factor === 1 ? BATCH : undefined;
}

/** ONNX's (numpy's) broadcasting; undefined if the shapes do not fit. */
export function broadcast(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const shape: Dimension[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const left = a[axis - rank + a.length] ?? 1;
    const right = b[axis - rank + b.length] ?? 1;
    if (left !== right && left !== 1 && right !== 1) return undefined;
    shape.push(left === 1 ? right : left);
  }
  return shape;
}

/**
 * The shape that Reshape gives.
 * @param target 0 copies the dimension at its place (unless `allowZero`), one -1 takes what is left.
 * @returns undefined if the numbers of elements differ.
 */
export function reshape(shape: Shape, target: Shape, allowZero: boolean): Shape | undefined {
  const copied = target.map((dimension, axis) => (dimension === 0 && !allowZero ? shape[axis] : dimension));
  if (copied.includes(undefined) || copied.filter((dimension) => dimension === -1).length > 1)
    return undefined;
  const before = sizeOf(shape);
  const fixed = sizeOf(copied.filter((dimension) => dimension !== undefined && dimension !== -1) as Shape);
  const rest = asDimension({ factor: before.factor / fixed.factor, batches: before.batches - fixed.batches });
  if (rest === undefined || (rest !== 1 && !copied.includes(-1))) return undefined;
  return copied.map((dimension) => (dimension === -1 ? rest : (dimension as Dimension)));
}

/** An axis counted from the end if negative; undefined if there is no such axis. */
export function resolveAxis(axis: number, rank: number): number | undefined {
  const resolved = axis < 0 ? axis + rank : axis;
  return Number.isInteger(resolved) && resolved >= 0 && resolved < rank ? resolved : undefined;
}
