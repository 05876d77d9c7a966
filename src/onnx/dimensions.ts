// Arithmetic on the dimensions of tensors whose batch size is unknown.

/** The unknown batch size: the number of images in one run. */
export const BATCH = 'batch';
/** `batch*12`: 12 entries per image, for example if an attention computes its 12 heads along the batch axis. */
export type Dimension = number | typeof BATCH | `${typeof BATCH}*${number}`;
export type Shape = readonly Dimension[];

/** The dimension that has `factor` entries per image. */
export function timesBatch(factor: number): Dimension {
  return factor === 1 ? BATCH : `${BATCH}*${factor}`;
}

/** Number of entries per image; undefined: the dimension does not depend on the batch. */
export function batchFactor(dimension: Dimension): number | undefined {
  if (typeof dimension === 'number') return undefined;
  return dimension === BATCH ? 1 : Number(dimension.slice(BATCH.length + 1));
}

/** The dimension for a text that `timesBatch` returns; undefined for any other text. */
export function batchDimension(text: string): Dimension | undefined {
  if (text === BATCH) return BATCH;
  const factor = Number(/^batch\*([1-9]\d{0,9})$/.exec(text)?.[1]);
  return Number.isInteger(factor) ? timesBatch(factor) : undefined;
}

/** A number of elements: `factor` × batch ^ `batches`. */
export interface Size {
  readonly factor: number;
  readonly batches: number;
}

export function sizeOf(shape: Shape): Size {
  return {
    factor: shape.reduce<number>(
      (product, dimension) => product * (batchFactor(dimension) ?? Number(dimension)),
      1,
    ),
    batches: shape.filter((dimension) => batchFactor(dimension) !== undefined).length,
  };
}

/** A size as a single dimension; undefined if no dimension has this size. */
export function asDimension({ factor, batches }: Size): Dimension | undefined {
  if (batches === 0) return factor;
  return batches === 1 && Number.isInteger(factor) && factor > 0 ? timesBatch(factor) : undefined;
}

/** Broadcasting as in ONNX and NumPy; undefined if the shapes are not compatible. */
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
 * The output shape of Reshape.
 * @param target 0 copies the dimension of the same axis (unless `allowZero`); one -1 takes the remaining elements.
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

/** The index of an axis. A negative `axis` counts from the end; undefined if there is no such axis. */
export function resolveAxis(axis: number, rank: number): number | undefined {
  const resolved = axis < 0 ? axis + rank : axis;
  return Number.isInteger(resolved) && resolved >= 0 && resolved < rank ? resolved : undefined;
}

/** Integer arithmetic as ONNX defines it; undefined if the result is not a dimension. */
export function combine(
  operator: 'Add' | 'Sub' | 'Mul' | 'Div',
  a: Dimension,
  b: Dimension,
): Dimension | undefined {
  const [left, right] = [batchFactor(a), batchFactor(b)];
  const [x, y] = [left ?? Number(a), right ?? Number(b)];
  if (operator === 'Mul') {
    if (left !== undefined && right !== undefined) return undefined;
    return left === undefined && right === undefined ? x * y : asDimension({ factor: x * y, batches: 1 });
  }
  if (operator === 'Div') {
    if (left === undefined) return right === undefined && y !== 0 ? Math.trunc(x / y) : undefined;
    return right === undefined ? asDimension({ factor: x / y, batches: 1 }) : undefined;
  }
  if ((left === undefined) !== (right === undefined)) return undefined;
  const sum = operator === 'Add' ? x + y : x - y;
  return left === undefined ? sum : sum === 0 ? 0 : asDimension({ factor: sum, batches: 1 });
}
