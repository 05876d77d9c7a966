// Draws the tested path as an SVG: risk and FLOPs along the path, with the certified point marked. Written without a library:
// with d3-scale and d3-shape (ten packages) this file is one line shorter, and vega with vega-lite is 79 packages.
import type { TestedPath } from './certify.js';
import type { RiskLimit } from './goal.js';
import type { TestedPoint } from './search/evaluate-path.js';
import { exactPercent } from './statement.js';

const [WIDTH, HEIGHT] = [720, 470];
const AREA = { left: 70, right: 650, top: 56, bottom: 400 };
const [COST_COLOUR, LIMIT_COLOUR] = ['#1a56b0', '#777777'];
/** Assigned in the order of the risks; reused from the start if there are more risks. */
const RISK_COLOURS = ['#b3261e', '#a05a00', '#7b2d8b', '#00695c'];
/** Largest value of a risk's axis, in units of the risk's limit. */
const RISK_TOP = 2.5;

export interface PlotOptions {
  readonly title: string;
  /** FLOPs of the backbone with only its final exit. */
  readonly fullFlops: number;
}

interface Line {
  readonly name: string;
  readonly colour: string;
  /** The value of a point, in the units of the axis. */
  readonly read: (point: TestedPoint) => number;
  /** Largest value of the axis. */
  readonly top: number;
}

/**
 * Left axis: the first risk, up to RISK_TOP times its limit, so that the decision is visible. Every further risk is
 * scaled by its own limit, so that one dashed line shows the limit of all risks. Right axis: mean FLOPs as a share of
 * the backbone. Without risks there is no left axis.
 */
export function renderPlot({ points, choice }: TestedPath, options: PlotOptions): string {
  const limits = points[0]?.risks ?? [];
  const last = lastShown(points, limits);
  const shown = points.slice(0, last + 1);
  const x = (index: number): number => AREA.left + ((AREA.right - AREA.left) * index) / Math.max(1, last);
  const cost: Line = {
    name: 'mean FLOPs, share of the backbone',
    colour: COST_COLOUR,
    read: ({ meanFlops }) => meanFlops / options.fullFlops,
    top: 1,
  };
  const risks = limits.map(
    ({ loss, data, epsilon }, index): Line => ({
      name: `${loss} risk on the ${data === 'adversarial' ? 'adversarial copies' : 'cal images'}`,
      colour: RISK_COLOURS[index % RISK_COLOURS.length] as string,
      read: (point) => point.risks[index]?.observed ?? 0,
      top: RISK_TOP * epsilon,
    }),
  );
  const [first, ...others] = risks;
  const index = choice.kind === 'point' ? choice.index : undefined;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    text(AREA.left, 26, options.title, 'font-size="16"'),
    frame(last),
    ...(first ? [axis(first, 'left'), limitLine()] : []),
    ...others.map(scaled),
    axis(cost, 'right'),
    ...risks.map((risk) => curve(shown, risk, x)),
    curve(shown, cost, x),
    ...(index === undefined ? [] : [mark(points, index, x(index), [...risks, cost])]),
    '</svg>\n',
  ].join('\n');
}

/** The last point before any risk leaves the plot; the end of the path if none leaves it. */
function lastShown(points: readonly TestedPoint[], limits: readonly RiskLimit[]): number {
  const beyond = points.findIndex(({ risks }) =>
    limits.some(({ epsilon }, index) => (risks[index]?.observed ?? 0) > RISK_TOP * epsilon),
  );
  return Math.max(1, beyond < 0 ? points.length - 1 : beyond - 1);
}

function height(value: number, top: number): number {
  const share = Math.min(1, Math.max(0, value / top));
  return AREA.bottom - (AREA.bottom - AREA.top) * share;
}

function curve(points: readonly TestedPoint[], { colour, read, top }: Line, x: (index: number) => number) {
  const places = points.map(
    (point, index) => `${x(index).toFixed(1)},${height(read(point), top).toFixed(1)}`,
  );
  return `<polyline points="${places.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`;
}

function axis({ name, colour, top }: Line, side: 'left' | 'right'): string {
  const [place, anchor, outward] = side === 'left' ? [AREA.left, 'end', -8] : [AREA.right, 'start', 8];
  const ticks = [0, 0.2, 0.4, 0.6, 0.8, 1].map((share) =>
    text(
      place + outward,
      height(share, 1) + 4,
      `${Number((100 * share * top).toPrecision(3))} %`,
      `fill="${colour}" text-anchor="${anchor}"`,
    ),
  );
  const title = text(
    place,
    AREA.top - 10,
    name,
    `fill="${colour}" text-anchor="${side === 'left' ? 'start' : 'end'}"`,
  );
  return [...ticks, title].join('\n');
}

/** The label of a risk that has no axis of its own. */
function scaled({ name, colour, top }: Line, index: number): string {
  return text(
    AREA.left + 8,
    AREA.top + 40 + 18 * index,
    `${name}, ε = ${exactPercent(top / RISK_TOP)}`,
    `fill="${colour}"`,
  );
}

function limitLine(): string {
  const y = height(1, RISK_TOP).toFixed(1);
  return (
    `<line x1="${AREA.left}" x2="${AREA.right}" y1="${y}" y2="${y}" stroke="${LIMIT_COLOUR}" stroke-dasharray="6 4"/>\n` +
    text(AREA.right - 6, Number(y) - 6, 'ε', `fill="${LIMIT_COLOUR}" text-anchor="end"`)
  );
}

function mark(points: readonly TestedPoint[], index: number, x: number, lines: readonly Line[]): string {
  const point = points[index];
  if (!point) return '';
  const dots = lines.map(
    ({ colour, read, top }) =>
      `<circle cx="${x.toFixed(1)}" cy="${height(read(point), top).toFixed(1)}" r="5" fill="${colour}"/>`,
  );
  return [
    `<line x1="${x.toFixed(1)}" x2="${x.toFixed(1)}" y1="${AREA.top}" y2="${AREA.bottom}" stroke="black"/>`,
    ...dots,
    text(
      x > 480 ? x - 8 : x + 8,
      AREA.top + 18,
      `certified: point ${index}`,
      x > 480 ? 'text-anchor="end"' : '',
    ),
  ].join('\n');
}

function frame(last: number): string {
  const { left, right, top, bottom } = AREA;
  return [
    `<rect x="${left}" y="${top}" width="${right - left}" height="${bottom - top}" fill="none" stroke="#bbbbbb"/>`,
    text(left, bottom + 22, 'point 0: never exit early'),
    text(right, bottom + 22, `point ${last}`, 'text-anchor="end"'),
    text((left + right) / 2, bottom + 44, 'along the path, thresholds ever laxer', 'text-anchor="middle"'),
  ].join('\n');
}

function text(x: number, y: number, content: string, attributes = ''): string {
  const escaped = content.replace(/&/g, '&amp;').replace(/</g, '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escaped}</text>`;
}
