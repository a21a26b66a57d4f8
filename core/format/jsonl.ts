/**
 * Makes rows of JSON lines.
 *
 * Parses a whole batch of lines with one call where they look like objects or
 * arrays, and line by line where that fails. Knows nothing of files; malformed
 * lines are told to the owner, which fails or skips them.
 */
import type { StringColumn } from "../batch/column.ts";

export interface MalformedLine {
  /** Number of the line in the column. */
  readonly line: number;
  readonly reason: string;
  /** Its first characters. */
  readonly text: string;
}

export interface JsonlOptions {
  /** Keep only these properties. */
  readonly columns?: readonly string[];
  /** Properties that somebody looks at: others are dropped, and rows without them stay as they are. */
  readonly wanted?: readonly string[];
  /** Takes one row and the number of its line in the column. */
  readonly onRow: (row: unknown, line: number) => void;
  readonly onMalformed: (line: MalformedLine) => void;
}

const MAX_SAMPLE_CHARACTERS = 200;
/** Stands between the lines when they are parsed together, so that each is known to be one whole value. */
const BETWEEN = "~ luciole line ~";
const JOINER = new TextEncoder().encode(`,"${BETWEEN}",`);
const OPENERS: Readonly<Record<number, number>> = { 123: 125, 91: 93 };
const PROPERTY = { writable: true, enumerable: true, configurable: true };
const decoder = new TextDecoder();

/** Parses each line of a column; blank lines are not rows. */
export function parseJsonLines(lines: StringColumn, options: JsonlOptions): void {
  const rows = parseTogether(lines);
  if (rows === undefined) parseOneByOne(lines, options);
  else for (let i = 0; i < lines.length; i++) emit(rows[2 * i], i, lines, options);
}

/** All lines as one JSON array, with BETWEEN after each; undefined when a line is not certainly one value. */
function parseTogether(lines: StringColumn): unknown[] | undefined {
  const { offsets, bytes, length } = lines;
  const joined = new Uint8Array(offsets[length] - offsets[0] + length * JOINER.byteLength + 1);
  joined[0] = 91;
  let to = 1;
  for (let i = 0; i < length; i++) {
    const start = offsets[i];
    const end = offsets[i + 1];
    if (end - start < 2 || OPENERS[bytes[start]] !== bytes[end - 1]) return undefined;
    joined.set(bytes.subarray(start, end), to);
    to += end - start;
    joined.set(JOINER, to);
    to += JOINER.byteLength;
  }
  joined[to - 1] = 93;
  const text = decoder.decode(joined.subarray(0, to));
  if (occurrences(text, BETWEEN) !== length) return undefined;
  try {
    const rows: unknown = JSON.parse(text);
    return Array.isArray(rows) && isAlternating(rows, length) ? rows : undefined;
  } catch {
    return undefined;
  }
}

/** True when each line is followed by its own mark: wrong lines that are right when joined swallow or add one. */
function isAlternating(rows: readonly unknown[], lines: number): boolean {
  if (rows.length !== 2 * lines) return false;
  for (let i = 1; i < rows.length; i += 2) if (rows[i] !== BETWEEN) return false;
  return true;
}

function occurrences(text: string, part: string): number {
  let count = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) count++;
  return count;
}

function parseOneByOne(lines: StringColumn, options: JsonlOptions): void {
  for (let i = 0; i < lines.length; i++) {
    const text = lineText(lines, i);
    if (text.trim() === "") continue;
    let row: unknown;
    try {
      row = JSON.parse(text);
    } catch (error) {
      const reason = `it is not JSON: ${error instanceof Error ? error.message : String(error)}`;
      options.onMalformed({ line: i, reason, text: text.slice(0, MAX_SAMPLE_CHARACTERS) });
      continue;
    }
    emit(row, i, lines, options);
  }
}

function emit(row: unknown, line: number, lines: StringColumn, options: JsonlOptions): void {
  const { columns, wanted } = options;
  const isObject = typeof row === "object" && row !== null && !Array.isArray(row);
  if (columns !== undefined && !isObject) {
    const text = lineText(lines, line).slice(0, MAX_SAMPLE_CHARACTERS);
    options.onMalformed({ line, reason: "it is not an object", text });
  } else if (!isObject || (columns === undefined && wanted === undefined)) {
    options.onRow(row, line);
  } else {
    options.onRow(picked(row as Record<string, unknown>, options), line);
  }
}

/** Declared columns are there in every row; of others only those that the line has. */
function picked(row: Record<string, unknown>, { columns, wanted }: JsonlOptions): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const name of wanted ?? columns ?? []) {
    const isThere = Object.hasOwn(row, name);
    if (columns === undefined ? !isThere : !columns.includes(name)) continue;
    const value = isThere ? row[name] : undefined;
    // An assignment would set the prototype.
    if (name === "__proto__") Object.defineProperty(kept, name, { ...PROPERTY, value });
    else kept[name] = value;
  }
  return kept;
}

function lineText(lines: StringColumn, i: number): string {
  return decoder.decode(lines.bytes.subarray(lines.offsets[i], lines.offsets[i + 1]));
}
