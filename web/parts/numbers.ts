// Numbers for people.

export function flopsText(flops: number): string {
  const units: [size: number, name: string][] = [
    [1e12, 'TFLOPs'],
    [1e9, 'GFLOPs'],
    [1e6, 'MFLOPs'],
    [1e3, 'kFLOPs'],
  ];
  const [size, name] = units.find(([one]) => flops >= one) ?? [1, 'FLOPs'];
  return `${(flops / size).toLocaleString('en', { maximumSignificantDigits: 3 })} ${name}`;
}

/** A share; never rounded to a certainty or to nothing that it is not. */
export function percentText(share: number): string {
  if (share > 0.9995 && share < 1) return '> 99.9 %';
  if (share > 0 && share < 0.0005) return '< 0.1 %';
  const digits = (share >= 0.995 && share < 1) || share < 0.0995 ? 1 : 0;
  return `${(share * 100).toFixed(digits).replace(/\.0$/, '')} %`;
}

/** A share that somebody promised, as it was stated. */
export function statedPercent(share: number): string {
  return `${Number((share * 100).toFixed(3))} %`;
}

export function scoreText(score: number): string {
  if (Number.isInteger(score)) return `${score}`;
  return score.toLocaleString('en', { maximumSignificantDigits: 3, maximumFractionDigits: 5 });
}

export function countText(count: number): string {
  return count.toLocaleString('en');
}
