/**
 * Writes the source of the loop that parses plain CSV records of one shape.
 *
 * The text depends on numbers and on the words of this file only; names of columns
 * never get into it. One pass over the bytes: fields nobody wants are passed over,
 * values go straight into the buffers of their columns. At a record with anything
 * unusual the loop stops, and leaves it as if it had not been looked at.
 */
import type { CsvType } from "./csv_columns.ts";

/** A column of the file that becomes column `slot` of the batch. */
export interface CsvLoopField {
  readonly slot: number;
  readonly type: CsvType;
}

export interface CsvLoopShape {
  /** Code of the character between fields. */
  readonly delimiter: number;
  /** For each column of the file; undefined when it is not wanted. */
  readonly fields: readonly (CsvLoopField | undefined)[];
}

const NEWLINE = 10;
const RETURN = 13;
const QUOTE = 34;
/** More unwanted columns in a row than this are passed over by a loop. */
const MAX_UNROLLED = 3;

/**
 * The body of `(tools) => parse`. `parse(bytes, from, limit, rows, buffers)` reads records
 * in [from, limit), which ends with a line end, from row `rows.count` to `rows.end`, and returns where it stopped;
 * `rows.isOdd` says that an unusual record stands there.
 */
export function csvLoopSource(shape: CsvLoopShape): string {
  const wanted = shape.fields.filter((field) => field !== undefined);
  const join = (code: (field: CsvLoopField) => string) => wanted.map(code).join("");
  return `"use strict";
const { number, decimal, date, boolean, powers } = tools;
return function parse(bytes, from, limit, rows, buffers) {
  const end = rows.end, word = limit - 4, view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let row = rows.count, i = from, begin = from, isOdd = false, c = 0;
${join(declaration)}  while (row < end && i < limit) {
    begin = i;
    R: {
      c = bytes[i];
      if (c === ${NEWLINE} || c === ${RETURN}) break R;
${fieldsCode(shape)}      row++;
      continue;
    }
    isOdd = true;
    i = begin;
${join(undo)}    break;
  }
  rows.count = row;
  rows.isOdd = isOdd;
${join(({ slot, type }) => (type === "string" ? `  b${slot}.used = t${slot};\n` : ""))}  return i;
};`;
}

function declaration({ slot: s, type }: CsvLoopField): string {
  const buffer = `  const b${s} = buffers[${s}];`;
  switch (type) {
    case "string":
      return `${buffer} const s${s} = b${s}.bytes, o${s} = b${s}.offsets, w${s} = new DataView(s${s}.buffer); let t${s} = b${s}.used;\n`;
    case "boolean":
      return `${buffer} const v${s} = b${s}.flags;\n`;
    default:
      return `${buffer} const v${s} = b${s}.values;\n`;
  }
}

/** What a record left behind that is read in another way. */
function undo({ slot: s, type }: CsvLoopField): string {
  return type === "string" ? `    t${s} = o${s}[row];\n` : `    b${s}.setPresent(row);\n`;
}

function fieldsCode({ delimiter, fields }: CsvLoopShape): string {
  let code = "";
  for (let at = 0; at < fields.length; ) {
    const field = fields[at];
    const last = fields.length - 1;
    if (field !== undefined) {
      code += `      { ${fieldCode(field, delimiter, at === last)} }\n`;
      at++;
      continue;
    }
    let count = 1;
    while (at + count < last && fields[at + count] === undefined) count++;
    const one = `{ ${at === last ? skipLast(delimiter) : skip(delimiter)} }`;
    const isLoop = count > MAX_UNROLLED;
    code += isLoop ? `      for (let n = ${count}; n > 0; n--) ${one}\n` : `      ${one}\n`.repeat(count);
    at += count;
  }
  return code;
}

/** To the closing quote, `i` at what follows it; a doubled quote is unusual. */
function toClosingQuote(isLast: boolean, delimiter: number): string {
  const after = isLast ? lineEnd() : `if (c !== ${delimiter} || i >= limit) break R;`;
  return `while (++i < limit && bytes[i] !== ${QUOTE}); c = bytes[++i]; ${after}`;
}

function lineEnd(): string {
  return `if (c === ${RETURN}) c = bytes[++i]; if (c !== ${NEWLINE} || i >= limit) break R;`;
}

function skip(delimiter: number): string {
  return `c = bytes[i];
      if (c === ${QUOTE}) { ${toClosingQuote(false, delimiter)} }
      else { while (c !== ${delimiter} && c !== ${NEWLINE}) c = bytes[++i]; if (c !== ${delimiter}) break R; }
      i++;`;
}

function skipLast(delimiter: number): string {
  return `c = bytes[i];
      if (c === ${QUOTE}) { ${toClosingQuote(true, delimiter)} }
      else { while (c !== ${delimiter} && c !== ${NEWLINE}) c = bytes[++i]; if (c !== ${NEWLINE}) break R; }
      i++;`;
}

function fieldCode({ slot, type }: CsvLoopField, delimiter: number, isLast: boolean): string {
  switch (type) {
    case "string":
      return stringCode(slot, delimiter, isLast);
    case "number":
      return numberCode(slot, delimiter, isLast);
    case "boolean":
    case "date":
      return `c = bytes[i]; const start = i; ${otherCode(slot, type, delimiter, isLast)} i++;`;
  }
}

/** The same byte four times, as a word. */
function fourOf(byte: number): number {
  return Math.imul(byte, 0x01010101);
}

/** Four bytes at a time: x has the highest bit of the first that ends the field, and maybe bits above it. */
function stringCode(s: number, delimiter: number, isLast: boolean): string {
  const stop = isLast ? NEWLINE : delimiter;
  // A return before the line end was copied with the field.
  const cut = isLast ? `if (i > start && bytes[i - 1] === ${RETURN}) t${s}--;` : "";
  return `c = bytes[i]; const start = i;
      if (c === ${QUOTE}) {
        while (++i < limit && (c = bytes[i]) !== ${QUOTE}) s${s}[t${s}++] = c;
        c = bytes[++i]; ${isLast ? lineEnd() : `if (c !== ${delimiter} || i >= limit) break R;`}
      } else {
        for (;;) {
          if (i > word) {
            c = bytes[i];
            if (c === ${delimiter} || c === ${NEWLINE}) break;
            s${s}[t${s}++] = c; i++;
            continue;
          }
          const four = view.getInt32(i, true), q = four ^ ${fourOf(delimiter)}, e = four ^ ${fourOf(NEWLINE)};
          const x = (((q - 0x01010101) & ~q) | ((e - 0x01010101) & ~e)) & 0x80808080;
          w${s}.setInt32(t${s}, four, true);
          if (x === 0) { i += 4; t${s} += 4; continue; }
          const n = (31 - Math.clz32(x & -x)) >> 3;
          i += n; t${s} += n; c = bytes[i];
          break;
        }
        if (c !== ${stop}) break R; ${cut}
      }
      o${s}[row + 1] = t${s}; i++;`;
}

/** Digits with at most one point, nine in all, are summed as 32-bit integers; more are looked at again. */
function numberCode(s: number, delimiter: number, isLast: boolean): string {
  const stop = isLast ? NEWLINE : delimiter;
  const digits = `for (c = bytes[i]; c >= 48 && c <= 57; c = bytes[++i]) n = Math.imul(n, 10) + (c - 48) | 0;`;
  const atEnd = isLast ? `if (c === ${RETURN} && bytes[i + 1] === ${NEWLINE}) c = bytes[++i];` : "";
  return `const start = i; let n = 0, d = 0, p = 0, x = NaN;
      const isNegative = bytes[i] === 45; if (isNegative) i++;
      const first = i; ${digits} d = i - first;
      if (c === 46) { const point = ++i; ${digits} p = i - point; d += p; }
      const last = i; ${atEnd}
      if (c === ${stop} && d > 0) x = d > 9 ? decimal(bytes, first, last) : p === 0 ? n : n / powers[p];
      if (x === x) v${s}[row] = isNegative ? -x : x;
      else { i = start; c = bytes[i]; ${otherCode(s, "number", delimiter, isLast)} }
      i++;`;
}

/** Any field from `start` on: finds its end and has its value read by a function. */
function otherCode(
  s: number,
  type: "number" | "boolean" | "date",
  delimiter: number,
  isLast: boolean,
): string {
  const stop = isLast ? NEWLINE : delimiter;
  const end = isLast ? `i > start && bytes[i - 1] === ${RETURN} ? i - 1 : i` : "i";
  const isValue = type === "boolean" ? "x === 0 || x === 1" : "x === x";
  return `while (c !== ${delimiter} && c !== ${NEWLINE}) c = bytes[++i];
      if (c !== ${stop}) break R;
      const to = ${end};
      if (to === start) { v${s}[row] = 0; b${s}.setAbsent(row); }
      else { const x = ${type}(bytes, start, to); if (!(${isValue})) break R; v${s}[row] = x; }`;
}
