// The drawing pad: white strokes on black, by pointer or by keyboard. Each finished stroke is handed on.
import { announce } from '../parts/announce.js';

const STROKE_SHARE = 0.075;
/** Steps of the arrow keys, as shares of the pad's width; the larger one with Shift. */
const STEP_SHARE = 0.025;
const LARGE_STEP_SHARE = 0.1;

const directions: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Pad {
  clear(): void;
}

/**
 * @param cursor shows where the keyboard draws
 * @param onStroke called after each stroke
 */
export function createPad(canvas: HTMLCanvasElement, cursor: HTMLElement, onStroke: () => void): Pad {
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('This browser has no canvas.');
  let last: Point | undefined;
  let pen: Point = { x: canvas.width / 2, y: canvas.height / 2 };
  let isDown = false;
  // The keys that draw are not for the screen reader.
  canvas.tabIndex = 0;
  canvas.setAttribute('role', 'application');

  function clear(): void {
    if (!context) return;
    context.fillStyle = '#000';
    context.fillRect(0, 0, canvas.width, canvas.height);
    canvas.classList.remove('drawn');
  }

  function draw(from: Point, to: Point): void {
    if (!context) return;
    context.strokeStyle = '#fff';
    context.lineWidth = canvas.width * STROKE_SHARE;
    context.lineCap = 'round';
    context.lineJoin = 'round';
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y);
    context.stroke();
    canvas.classList.add('drawn');
  }

  function pointOf(event: PointerEvent): Point {
    const { left, top, width, height } = canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - left) / width) * canvas.width,
      y: ((event.clientY - top) / height) * canvas.height,
    };
  }

  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    cursor.hidden = true;
    last = pointOf(event);
    draw(last, last);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!last) return;
    const passed = event.getCoalescedEvents?.() ?? [];
    for (const one of passed.length > 0 ? passed : [event]) {
      const point = pointOf(one);
      draw(last, point);
      last = point;
    }
  });
  for (const end of ['pointerup', 'pointercancel'] as const) {
    canvas.addEventListener(end, () => {
      if (last) onStroke();
      last = undefined;
    });
  }

  function showPen(): void {
    cursor.hidden = false;
    cursor.classList.toggle('down', isDown);
    cursor.style.setProperty('--x', `${pen.x / canvas.width}`);
    cursor.style.setProperty('--y', `${pen.y / canvas.height}`);
  }

  function setPen(down: boolean): void {
    if (isDown && !down) onStroke();
    isDown = down;
    if (down) draw(pen, pen);
    showPen();
    announce(down ? 'Pen down' : 'Pen up');
  }

  canvas.addEventListener('keydown', (event) => {
    const direction = directions[event.key];
    if (event.key === ' ' || event.key === 'Enter') {
      event.preventDefault();
      setPen(!isDown);
    } else if (direction) {
      event.preventDefault();
      const step = canvas.width * (event.shiftKey ? LARGE_STEP_SHARE : STEP_SHARE);
      const next = {
        x: Math.max(0, Math.min(canvas.width, pen.x + direction[0] * step)),
        y: Math.max(0, Math.min(canvas.height, pen.y + direction[1] * step)),
      };
      if (isDown) draw(pen, next);
      pen = next;
      showPen();
    }
  });
  canvas.addEventListener('focus', () => {
    if (canvas.matches(':focus-visible')) showPen();
  });
  canvas.addEventListener('blur', () => {
    if (isDown) setPen(false);
    cursor.hidden = true;
  });

  clear();
  return { clear };
}
