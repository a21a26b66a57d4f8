/**
 * Tables for a terminal: columns as wide as they need, and cut where the terminal is narrow.
 *
 * Knows nothing of what they show.
 */
import process from "node:process";

export interface Column<T> {
  readonly title: string;
  readonly text: (row: T) => string;
  /** For numbers. */
  readonly isRight?: boolean;
  /** May be cut down to so many characters; never when missing. */
  readonly least?: number;
}

/** Columns of the terminal; what is read by another program is not cut. */
export function outputWidth(): number {
  return process.stdout.isTTY === true ? (process.stdout.columns ?? 80) : Number.POSITIVE_INFINITY;
}

/** Lines without a line end behind the last. */
export function formatTable<T>(columns: readonly Column<T>[], rows: readonly T[], width: number): string {
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ text }) => text(row))),
  ];
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => lengthOf(line[i] ?? ""))));
  narrow(widths, columns, width);
  return cells
    .map((line) =>
      line
        .map((cell, i) => fit(cell, widths[i] ?? 0, columns[i]?.isRight === true))
        .join(GAP)
        .trimEnd(),
    )
    .join("\n");
}

const GAP = "  ";

/** Takes from the widest that may be cut until all of them fit, or none can be cut further. */
function narrow<T>(widths: number[], columns: readonly Column<T>[], width: number): void {
  let over = widths.reduce((sum, one) => sum + one, GAP.length * (widths.length - 1)) - width;
  while (over > 0 && over < Number.POSITIVE_INFINITY) {
    let widest: number | undefined;
    for (const [i, own] of widths.entries()) {
      const canBeCut = own > (columns[i]?.least ?? own);
      if (canBeCut && (widest === undefined || own > (widths[widest] ?? 0))) widest = i;
    }
    if (widest === undefined) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
    over--;
  }
}

function fit(cell: string, width: number, isRight: boolean): string {
  const points = [...cell];
  const text = points.length > width ? `${points.slice(0, Math.max(0, width - 1)).join("")}…` : cell;
  const padding = " ".repeat(Math.max(0, width - lengthOf(text)));
  return isRight ? padding + text : text + padding;
}

function lengthOf(text: string): number {
  return [...text].length;
}
