// What adding exits has come to, as tables for people: the exits, the profiles, and without success the candidates.

import { exactPercent } from '../../calibration/statement.js';
import type { Manifest } from '../../format/manifest.js';
import { FULL_PROFILE } from '../../format/profiles.js';
import { fullFlops } from '../../network/execution-path.js';
import { type Cell, formatTable, megaflops, percent, signedPoints } from '../../report/table.js';
import type { Findings, Results } from '../findings.js';
import { answersOf } from '../heads/fit-heads.js';

export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** One row per exit: cost, agreement with the final exit on the images calibrated on, share leaving under each profile. */
export function exitTable({ certified, recording }: Results, { exits }: Pick<Manifest, 'exits'>): Table {
  const full = fullFlops(exits);
  const passed = certified.flatMap(({ name, profile }) => (profile?.certificate ? [{ name, profile }] : []));
  const agreement = agreementByExit(recording);
  return {
    header: [
      'exit:',
      'tensor:',
      'MFLOPs',
      'of plain',
      'agrees',
      ...passed.map(({ name }) => `leave, ${name}`),
    ],
    rows: exits.map(({ name, cut = '–', flops }, index) => [
      name,
      cut,
      megaflops(flops.cumulative),
      percent(flops.cumulative / full, 1),
      percent(agreement[index] ?? 0, 1),
      ...passed.map(({ profile }) =>
        profile.thresholds[index] === null ? 'off' : percent(profile.certificate?.exitShares[index] ?? 0, 1),
      ),
    ]),
  };
}

/** One row per limit: what was certified, what it takes, and where it is known how often it is right. */
export function profileTable(
  { certified, seconds, accuracy }: Results,
  { exits }: Pick<Manifest, 'exits'>,
): Table {
  const full = fullFlops(exits);
  const plain = seconds.get(FULL_PROFILE) ?? Number.NaN;
  const time = (name: string): Cell[] => {
    const taken = seconds.get(name) ?? Number.NaN;
    return [(1000 * taken).toPrecision(3), percent(taken / plain, 0)];
  };
  const right = (name: string): Cell[] => {
    if (!accuracy) return [];
    const { full: plainly, profiles } = accuracy;
    const share = name === FULL_PROFILE ? plainly : profiles.get(name);
    return share === undefined ? ['–', '–'] : [percent(share), signedPoints(share - plainly)];
  };
  const rows = certified.map(({ name, epsilon, profile }): Cell[] => {
    const certificate = profile?.certificate;
    if (!certificate)
      return [name, `≤ ${exactPercent(epsilon)}`, 'not certified', '–', '–', '–', '–', ...right(name)];
    const { risks, flops } = certificate;
    return [
      name,
      `≤ ${exactPercent(epsilon)}`,
      percent(risks[0]?.observed ?? 0),
      megaflops(flops.mean),
      percent(flops.mean / full, 1),
      ...time(name),
      ...right(name),
    ];
  });
  return {
    header: [
      ...['profile:', 'answers changed', 'observed', 'MFLOPs', 'of plain', 'ms an image', 'of plain'],
      ...(accuracy ? ['accuracy', 'change, points'] : []),
    ],
    rows: [
      ...rows,
      [FULL_PROFILE, '0 %', '0 %', megaflops(full), '100 %', ...time(FULL_PROFILE), ...right(FULL_PROFILE)],
    ],
  };
}

/** One row per candidate, as they were on the images that choose. */
export function candidateTable({ candidates, heads, times, choice }: Findings): Table {
  const ends = candidates.map((_, index) =>
    times.stages.slice(0, index + 1).reduce((sum, stage) => sum + stage, times.heads[index] ?? 0),
  );
  return {
    header: [':', 'tensor:', 'shape:', 'of FLOPs', 'of time', 'agrees'],
    rows: candidates.map(({ tensor, shape, share }, index) => [
      choice.chosen.includes(index) ? '→' : '',
      tensor,
      shape.join(' × '),
      percent(share, 1),
      percent((ends[index] ?? 0) / times.whole, 1),
      percent(heads[index]?.agreement ?? 0, 1),
    ]),
  };
}

export function asText({ header, rows }: Table): string {
  return formatTable(header, rows);
}

export function asMarkdown({ header, rows }: Table): string {
  const line = (cells: readonly Cell[]): string => `| ${cells.join(' | ')} |\n`;
  const titles = header.map((title) => title.replace(/:$/, ''));
  const aligned = header.map((title) => (title.endsWith(':') ? '---' : '--:'));
  return [titles, aligned, ...rows].map(line).join('');
}

function agreementByExit({ images, exits, classes, logits }: Results['recording']): number[] {
  const answers = answersOf(logits, classes);
  return Array.from({ length: exits }, (_, exit) => {
    let same = 0;
    for (let image = 0; image < images; image++) {
      same += Number(answers[image * exits + exit] === answers[(image + 1) * exits - 1]);
    }
    return same / images;
  });
}
