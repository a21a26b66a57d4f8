/**
 * Puts into a finished bundle where its modules lie, for bundlers that take no part in reading them: what
 * `import.meta.url` and the like say there is found by the source map.
 *
 * Lengths of lines stay as they are, so the map goes on to fit.
 */
import { META, placeOf } from "./module_places.ts";

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const MAX_NAMES = 36 ** 3;

export interface PlacedCode {
  readonly code: string;
  /** Declarations that must come before the code. */
  readonly head: string;
}

/** @param main The source of the module that is run. @param sources Paths, as the map numbers them. */
export function withPlaces(
  code: string,
  mappings: string,
  sources: readonly string[],
  main: string,
): PlacedCode {
  const lines = code.split("\n");
  const wanted = new Set(lines.flatMap((line, i) => (line.search(META) < 0 ? [] : [i])));
  const segments = segmentsOf(mappings, wanted);
  const names = new Map<number, string>();
  for (const i of wanted) {
    lines[i] = lines[i]?.replace(META, (text, column: number) => {
      const source = sourceAt(segments.get(i) ?? [], column);
      if (source === undefined || names.size >= MAX_NAMES) return text;
      // As long as `import.meta`.
      const name = names.get(source) ?? `$lucio_${names.size.toString(36).padStart(4, "0")}`;
      names.set(source, name);
      return name;
    }) as string;
  }
  const head = [...names].map(
    ([source, name]) => `const ${name}=${placeOf(sources[source] ?? "", sources[source] === main)};`,
  );
  return { code: lines.join("\n"), head: head.join("") };
}

interface Segment {
  readonly column: number;
  readonly source: number;
}

function sourceAt(segments: readonly Segment[], column: number): number | undefined {
  return segments.findLast((segment) => segment.column <= column)?.source;
}

/** The segments of some lines of a source map; numbers in it are told as differences from those before. */
function segmentsOf(mappings: string, wanted: ReadonlySet<number>): ReadonlyMap<number, readonly Segment[]> {
  const found = new Map<number, Segment[]>();
  let source = 0;
  mappings.split(";").forEach((line, i) => {
    let column = 0;
    const segments: Segment[] = [];
    for (const text of line === "" ? [] : line.split(",")) {
      const [columns = 0, sources] = numbersOf(text);
      column += columns;
      if (sources === undefined) continue;
      source += sources;
      segments.push({ column, source });
    }
    if (wanted.has(i)) found.set(i, segments);
  });
  return found;
}

/** Base 64 VLQ, of which only the first two numbers are of interest. */
function numbersOf(text: string): readonly number[] {
  const numbers: number[] = [];
  let value = 0;
  let shift = 0;
  for (const letter of text) {
    const digit = DIGITS.indexOf(letter);
    value += (digit & 31) * 2 ** shift;
    shift += 5;
    if (digit & 32) continue;
    if (numbers.push(value % 2 === 1 ? -(value - 1) / 2 : value / 2) === 2) break;
    value = 0;
    shift = 0;
  }
  return numbers;
}
