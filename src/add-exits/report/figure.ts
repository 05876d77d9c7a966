// The figure of a network with added exits: what it costs, the more answers may change. On the images that test the path.
import { exactPercent } from '../../calibration/statement.js';
import type { Manifest } from '../../format/manifest.js';
import { fullFlops } from '../../network/execution-path.js';
import type { Results } from '../findings.js';

const [WIDTH, HEIGHT] = [720, 400];
const AREA = { left: 70, right: 690, top: 50, bottom: 340 };
const [CURVE, MARK] = ['#1a56b0', '#b3261e'];
/** The axis of changed answers ends beyond the largest limit by this factor. */
const ROOM = 1.3;

/** @returns an SVG: the path of the largest ε, and the certified point of each profile */
export function renderFigure(
  { certified }: Pick<Results, 'certified'>,
  manifest: Pick<Manifest, 'name' | 'exits'>,
): string {
  const largest = certified.at(-1);
  const full = fullFlops(manifest.exits);
  const top = ROOM * (largest?.epsilon ?? 1);
  const x = (risk: number): number => AREA.left + ((AREA.right - AREA.left) * risk) / top;
  const y = (share: number): number => AREA.bottom - (AREA.bottom - AREA.top) * share;
  const points = (largest?.tested.points ?? []).map(({ risks, meanFlops }) => ({
    risk: risks[0]?.observed ?? 0,
    share: meanFlops / full,
  }));
  const shown = points.filter(({ risk }) => risk <= top);
  const line = shown.map(({ risk, share }) => `${x(risk).toFixed(1)},${y(share).toFixed(1)}`).join(' ');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    text(AREA.left, 28, `${manifest.name}: compute against answers that change`, 'font-size="16"'),
    ...[0, 0.25, 0.5, 0.75, 1].flatMap((share) => [
      `<line x1="${AREA.left}" x2="${AREA.right}" y1="${y(share)}" y2="${y(share)}" stroke="#dddddd"/>`,
      text(AREA.left - 8, y(share) + 4, `${100 * share} %`, 'text-anchor="end"'),
    ]),
    `<polyline points="${line}" fill="none" stroke="${CURVE}" stroke-width="2"/>`,
    ...certified.flatMap(({ name, epsilon, profile }) => {
      const certificate = profile?.certificate;
      if (!certificate) return [];
      const [observed, share] = [certificate.risks[0]?.observed ?? 0, certificate.flops.mean / full];
      const isRight = x(observed) > (AREA.left + AREA.right) / 2;
      const label = `${name}: ${(100 * share).toFixed(0)} %, certified for at most ${exactPercent(epsilon)}`;
      return [
        `<line x1="${x(observed)}" x2="${x(epsilon)}" y1="${y(share)}" y2="${y(share)}" stroke="${MARK}" stroke-dasharray="3"/>`,
        `<circle cx="${x(observed)}" cy="${y(share)}" r="4" fill="${MARK}"/>`,
        // Where there is no room to the right, the label is below the curve.
        isRight
          ? text(x(observed) + 8, y(share) + 20, label, `fill="${MARK}" text-anchor="end"`)
          : text(x(observed) + 8, y(share) - 8, label, `fill="${MARK}"`),
      ];
    }),
    ...certified.map(({ epsilon }) =>
      text(x(epsilon), AREA.bottom + 18, exactPercent(epsilon), 'text-anchor="middle"'),
    ),
    text(
      (AREA.left + AREA.right) / 2,
      HEIGHT - 14,
      'answers that differ from the plain network’s',
      'text-anchor="middle"',
    ),
    text(AREA.left, AREA.top - 8, 'mean FLOPs, share of the plain network'),
    '</svg>\n',
  ].join('\n');
}

function text(x: number, y: number, content: string, attributes = ''): string {
  const safe = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${safe}</text>`;
}
