// The output of `rdi-serve calibrate`: the points around the certified one, some of the other points, and the result.
import type { TestedPath } from '../calibration/certify.js';
import { type CostByExit, meanCost } from '../calibration/cost.js';
import type { CalibrationGoal } from '../calibration/goal.js';
import type { TestedPoint } from '../calibration/search/evaluate-path.js';
import type { SegmentTimes } from '../calibration/segment-times.js';
import { exactPercent } from '../calibration/statement.js';
import type { ManifestExit } from '../format/manifest.js';
import { formatTable, megaflops, percent } from '../report/table.js';

/** Number of points shown on each side of the certified point, and approximate number of other points. */
const [NEAR, REST] = [3, 12];

/**
 * One row per point: thresholds (–: the exit is off), risks, p-value, cost. An arrow marks the certified point.
 * @param timeOf adds a column of engine times
 */
export function pathTable({ points, choice }: TestedPath, fullFlops: number, timeOf?: CostByExit): string {
  const chosen = choice.kind === 'point' ? choice.index : -1;
  const stride = Math.max(1, Math.ceil(points.length / REST));
  const [first] = points;
  const losses =
    first?.risks.map(({ loss, data }) => `${loss} risk${data === 'adversarial' ? ', copies' : ''}`) ?? [];
  const hasBudget = first?.budgetPValue !== undefined;
  const rows = points.flatMap((point, index) => {
    const shown =
      index % stride === 0 || index === points.length - 1 || Math.abs(index - Math.max(chosen, 0)) <= NEAR;
    return shown ? [rowOf(point, index, index === chosen, { hasBudget, fullFlops, timeOf })] : [];
  });
  return formatTable(
    [
      ':',
      'point',
      'thresholds:',
      ...losses,
      ...(losses.length > 0 ? ['p'] : []),
      ...(hasBudget ? ['p of budget'] : []),
      'MFLOPs',
      'of backbone',
      ...(timeOf ? ['ms'] : []),
      'leave at exit 0, 1, …:',
    ],
    rows,
  );
}

interface Columns {
  readonly hasBudget: boolean;
  readonly fullFlops: number;
  /** undefined: no column of times. */
  readonly timeOf: CostByExit | undefined;
}

function rowOf(
  point: TestedPoint,
  index: number,
  isChosen: boolean,
  { hasBudget, fullFlops, timeOf }: Columns,
) {
  const { thresholds, risks, pValue, meanFlops, budgetPValue, exitShares } = point;
  return [
    isChosen ? '→' : '',
    index,
    thresholds.map((threshold) => (threshold === null ? '–' : threshold.toPrecision(4))).join(' '),
    ...risks.map(({ observed }) => percent(observed, 3)),
    ...(risks.length === 0 ? [] : [index === 0 ? '–' : probability(pValue)]),
    ...(hasBudget ? [probability(budgetPValue ?? 1)] : []),
    megaflops(meanFlops),
    percent(meanFlops / fullFlops, 1),
    ...(timeOf ? [milliseconds(meanCost(exitShares, timeOf(thresholds)))] : []),
    exitShares.map((share) => percent(share, 1)).join(' '),
  ];
}

/** What each exit costs on this machine: the time to reach it at once, and what stopping there adds on the way on. */
export function timesTable(exits: readonly ManifestExit[], secondsOf: SegmentTimes): string {
  const final = exits.length - 1;
  return formatTable(
    ['exit:', 'ms to reach it', 'ms that it adds to a full run'],
    exits.map(({ name }, exit) => {
      const added = exit === final ? 0 : secondsOf(-1, exit) + secondsOf(exit, final) - secondsOf(-1, final);
      return [name, milliseconds(secondsOf(-1, exit)), milliseconds(added)];
    }),
  );
}

function milliseconds(seconds: number): string {
  return (seconds * 1000).toFixed(3);
}

function probability(p: number): string {
  return p < 0.0001 ? '< 0.0001' : p.toFixed(4);
}

/** Says why nothing was certified, and what would help. */
export function refusalOf({ choice, calImages, points }: TestedPath, goal: CalibrationGoal): string {
  if (choice.kind === 'infeasible') {
    const cheapest = megaflops(Math.min(...points.map(({ meanFlops }) => meanFlops)));
    return choice.because === 'budget'
      ? `Infeasible: no point of the path is certified to keep the budget; the cheapest executes ${cheapest} MFLOPs.`
      : 'Infeasible: no point of the path keeps both the risk and the budget. Raise one of the limits.';
  }
  const least = Math.min(...goal.risks.map(({ epsilon }) => epsilon));
  const needed = Math.ceil(Math.log(goal.delta) / Math.log1p(-least));
  const hint =
    needed > calImages
      ? `Even with no losses, ε = ${exactPercent(least)} needs ${needed} cal images; there are ${calImages}.`
      : 'More cal images or a larger ε would help.';
  return `Nothing is certified: already the first step away from full failed its test. ${hint} Serve the profile full.`;
}
