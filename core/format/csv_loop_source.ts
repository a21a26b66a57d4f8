/**
 * Writes the source of the loop that parses plain CSV records of one shape.
 *
 * The text depends on numbers and on the words of this file only; names of columns never get into it. One pass over
 * the bytes: fields nobody wants are passed over, values go into the buffers of their columns, by functions that serve
 * all shapes: the text stays so short that the engine compiles it early. At a record with anything unusual the loop
 * stops.
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
/** In so few columns plain numbers are read without a call. */
const FEW = 4;

/**
 * The body of `(tools) => parse`. `parse(bytes, view, limit, rows, buffers)` reads records of bytes[rows.at … limit),
 * which ends with a line end, from row `rows.count` to `rows.end`; `rows.isOdd` says that an unusual one is at
 * `rows.at`, whose first values may be in the buffers.
 */
export function csvLoopSource({ delimiter, fields }: CsvLoopShape): string {
  const wanted = fields.filter((field) => field !== undefined);
  const isShort = wanted.length <= FEW;
  const bound = wanted.map(({ slot, type }) => {
    const values = isShort && type === "number" ? `, v${slot} = b${slot}.values` : "";
    return `  const b${slot} = buffers[${slot}]${values};\n`;
  });
  return `"use strict";
const { number, date, boolean, string, skipFields, skipField, powers } = tools;
return function parse(bytes, view, limit, rows, buffers) {
  const end = rows.end;
  let row = rows.count, i = rows.at, begin = i, c = 0;
${bound.join("")}  R: {
    while (row < end && i < limit) {
      begin = i;
      c = bytes[i];
      if (c === ${NEWLINE} || c === ${RETURN}) break R;
${fieldsCode(delimiter, fields, isShort)}      if (c === ${RETURN}) c = bytes[++i];
      if (c !== ${NEWLINE} || i >= limit) break R;
      i++; row++;
    }
    rows.count = row; rows.isOdd = false; rows.at = i;
    return;
  }
  rows.count = row; rows.isOdd = true; rows.at = begin;
};`;
}

/** From the first field to what follows the last one, which is then in `c`. */
function fieldsCode(delimiter: number, fields: CsvLoopShape["fields"], isShort: boolean): string {
  const last = fields.length - 1;
  let code = "";
  for (let at = 0; at < last; at++) {
    const field = fields[at];
    if (field !== undefined) {
      const call = `i = ${fieldCall(field, delimiter)}; if (i < 0 || bytes[i] !== ${delimiter}) break R;`;
      const isPlain = isShort && field.type === "number";
      code += `      ${isPlain ? plainNumberCode(field.slot, delimiter, call) : call} i++;\n`;
      continue;
    }
    let count = 1;
    while (at + 1 < last && fields[at + 1] === undefined) {
      count++;
      at++;
    }
    code += `      ${count === 1 ? skipCode(delimiter) : skipCall(count, delimiter)}\n`;
  }
  return `${code}      i = ${fieldCall(fields[last], delimiter)}; if (i < 0) break R; c = bytes[i];\n`;
}

function skipCall(count: number, delimiter: number): string {
  return `i = skipFields(bytes, i, ${count}, limit, ${delimiter}); if (i < 0) break R;`;
}

function skipCode(delimiter: number): string {
  return `c = bytes[i]; if (c === ${QUOTE}) { ${skipCall(1, delimiter)} }
      else { while (c !== ${delimiter} && c !== ${NEWLINE}) c = bytes[++i]; if (c !== ${delimiter}) break R; i++; }`;
}

/** Digits with at most one point, nine in all; other fields are left to the call. */
function plainNumberCode(s: number, delimiter: number, call: string): string {
  const digits =
    "for (c = bytes[j]; c >= 48 && c <= 57; c = bytes[++j]) n = Math.imul(n, 10) + (c - 48) | 0;";
  return `{
        let j = i, n = 0, d = 0, p = 0;
        const isNegative = bytes[j] === 45; if (isNegative) j++;
        const first = j; ${digits} d = j - first;
        if (c === 46) { const point = ++j; ${digits} p = j - point; d += p; }
        if (c === ${delimiter} && d > 0 && d < 10) {
          const x = p === 0 ? n : n / powers[p]; v${s}[row] = isNegative ? -x : x; i = j;
        } else { ${call} }
      }`;
}

/** Gives where the field at `i` ends, or -1 when it is unusual. */
function fieldCall(field: CsvLoopField | undefined, delimiter: number): string {
  if (field === undefined) return `skipField(bytes, i, limit, ${delimiter})`;
  const { slot, type } = field;
  return type === "string"
    ? `string(bytes, view, i, limit, ${delimiter}, b${slot}, row)`
    : `${type}(bytes, i, ${delimiter}, b${slot}, row)`;
}
