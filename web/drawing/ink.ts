// From a drawing to the image that a digit model was trained on: as in MNIST, the ink is scaled into 20 of 28 pixels and
// its centre of mass is put into the middle (http://yann.lecun.com/exdb/mnist/).

/** Share of the image's shorter side that the ink's longer side takes. */
const INK_SHARE = 20 / 28;
/** Brighter than this, of 255, is ink. */
const INK_LEVEL = 32;

interface Ink {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Centre of mass. */
  readonly x: number;
  readonly y: number;
}

/** @returns a PNG of `width` × `height`; undefined without ink */
export async function centredInk(
  drawing: HTMLCanvasElement,
  width: number,
  height: number,
): Promise<Blob | undefined> {
  const ink = findInk(drawing);
  if (!ink) return undefined;
  const scale = (Math.min(width, height) * INK_SHARE) / Math.max(ink.width, ink.height);
  const placed = { width: ink.width * scale, height: ink.height * scale };
  const left = within(width / 2 - (ink.x - ink.left) * scale, width - placed.width);
  const top = within(height / 2 - (ink.y - ink.top) * scale, height - placed.height);

  let source = crop(drawing, ink);
  // Browsers differ in how well they shrink by more than a half; in halves they agree.
  while (source.width > placed.width * 2 && source.width > 1 && source.height > 1) source = halved(source);
  const image = blackCanvas(width, height);
  contextOf(image).drawImage(source, left, top, placed.width, placed.height);
  return new Promise((resolve) => image.toBlob((blob) => resolve(blob ?? undefined), 'image/png'));
}

function findInk(drawing: HTMLCanvasElement): Ink | undefined {
  const { width, height } = drawing;
  const { data } = contextOf(drawing).getImageData(0, 0, width, height);
  let [left, top, right, bottom, mass, sumX, sumY] = [width, height, -1, -1, 0, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const value = data[4 * (y * width + x)] ?? 0;
      if (value < INK_LEVEL) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = Math.max(bottom, y);
      mass += value;
      sumX += value * (x + 0.5);
      sumY += value * (y + 0.5);
    }
  }
  if (mass === 0) return undefined;
  return { left, top, width: right - left + 1, height: bottom - top + 1, x: sumX / mass, y: sumY / mass };
}

function crop(drawing: HTMLCanvasElement, { left, top, width, height }: Ink): HTMLCanvasElement {
  const part = blackCanvas(width, height);
  contextOf(part).drawImage(drawing, left, top, width, height, 0, 0, width, height);
  return part;
}

function halved(source: HTMLCanvasElement): HTMLCanvasElement {
  const half = blackCanvas(Math.ceil(source.width / 2), Math.ceil(source.height / 2));
  contextOf(half).drawImage(source, 0, 0, half.width, half.height);
  return half;
}

function blackCanvas(width: number, height: number): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = contextOf(canvas);
  context.fillStyle = '#000';
  context.fillRect(0, 0, width, height);
  return canvas;
}

function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('This browser has no canvas.');
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = 'high';
  return context;
}

function within(place: number, most: number): number {
  return Math.max(0, Math.min(most, place));
}
