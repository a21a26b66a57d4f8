/** What the Polars programs share: lines of a file as rows, csv without a header as output. */
import pl from "nodejs-polars";

/** A separator that no text holds makes each line one column. */
export function linesOf(path) {
  return pl.scanCSV(path, { hasHeader: false, sep: "\0", quoteChar: "", schema: { line: pl.Utf8 } });
}

export const OUTPUT = { includeHeader: false, quoteStyle: "never", maintainOrder: false };
