// Text tables: columns as wide as their widest cell, names left-aligned, numbers right-aligned.

export type Cell = string | number;

/**
 * @param header column titles; a title that ends in a colon marks a left-aligned column and is shown without the colon
 * @returns the lines, each with a newline at its end
 */
export function formatTable(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const isName = header.map((title) => title.endsWith(':'));
  const titles = header.map((title) => title.replace(/:$/, ''));
  const lines = [titles, ...rows.map((row) => row.map(String))];
  const widths = titles.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) => {
      const cells = line.map((cell, column) =>
        isName[column] ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      );
      return `${cells.join('  ').trimEnd()}\n`;
    })
    .join('');
}

/** 3,120,400 → `3.120`. */
export function megaflops(flops: number, digits = 3): string {
  return (flops / 1e6).toFixed(digits);
}

/** 0.9912 → `99.12 %`. */
export function percent(share: number, digits = 2): string {
  return `${(100 * share).toFixed(digits)} %`;
}

/** A difference of two shares, in percentage points with its sign. */
export function signedPoints(difference: number): string {
  const points = 100 * difference;
  return `${points > 0 ? '+' : points < 0 ? '−' : '±'}${Math.abs(points).toFixed(2)}`;
}
