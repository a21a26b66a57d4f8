/**
 * Writes the source of the loop that parses JSON lines of one shape.
 *
 * Names of properties get into it as the numbers of their bytes only. One pass: names are compared, values go into the
 * buffers of their columns, and those that nobody wants are checked and passed over, by functions that serve all
 * shapes: the text stays so short that the engine compiles it early. At a line with anything unusual (another name,
 * another type, space where writers put none, whatever may be wrong) the loop stops.
 */
import { joinBytes } from "./join_bytes.ts";
import type { JsonlField, JsonlValue } from "./jsonl_shape.ts";

const NEWLINE = 10;
const RETURN = 13;
const SPACE = 32;
const QUOTE = 34;
const COMMA = 44;
const OPEN = 123;
const CLOSE = 125;

/** So many unwanted properties in a row are passed over by one call. */
const MIN_RUN = 6;
const encoder = new TextEncoder();

/** Names, with their quotes and colons, of properties that are passed over together. */
export interface NameRun {
  readonly bytes: Uint8Array;
  /** Where each of them ends. */
  readonly ends: readonly number[];
}

/** The runs of unwanted properties that the loop of these fields knows by their numbers. */
export function nameRuns(fields: readonly JsonlField[]): NameRun[] {
  return groupsOf(fields).flatMap((group) => {
    if (group.length === 1) return [];
    const names = group.map(({ name }) => nameBytes(name));
    let end = 0;
    const ends = names.map(({ length }) => {
      end += length;
      return end;
    });
    return [{ bytes: joinBytes(names), ends }];
  });
}

/** Single properties, and runs of those that nobody wants. */
function groupsOf(fields: readonly JsonlField[]): JsonlField[][] {
  const groups: JsonlField[][] = [];
  for (let at = 0; at < fields.length; ) {
    let end = at;
    while (end < fields.length && fields[end].value.kind === "skipped") end++;
    const count = end - at >= MIN_RUN ? end - at : 1;
    groups.push(fields.slice(at, at + count));
    at += count;
  }
  return groups;
}

/**
 * The body of `(tools, runs) => parse`, where `runs` are those of `nameRuns`. `parse(bytes, view, limit, rows, buffers)` reads lines of bytes[rows.at … limit),
 * which ends with a line end, from row `rows.count` to `rows.end`; `rows.isOdd` says that an unusual one is at
 * `rows.at`, whose first values may be in the buffers.
 */
export function jsonlLoopSource(fields: readonly JsonlField[]): string {
  const bound = slotsOf(fields).map((slot) => `  const b${slot} = buffers[${slot}];\n`);
  return `"use strict";
const { number, string, boolean, json, nothing, skip, skipText, skipRun } = tools;
return function parse(bytes, view, limit, rows, buffers) {
  const end = rows.end, word = limit - 4;
  let row = rows.count, i = rows.at, begin = i, c = 0;
${bound.join("")}  R: {
    while (row < end && i < limit) {
      begin = i;
      if (bytes[i] !== ${OPEN}) { if (bytes[i] === ${NEWLINE}) { i++; continue; } break R; }
${objectCode(fields)}      if (c === ${RETURN}) c = bytes[++i];
      if (c !== ${NEWLINE}) break R;
      i++; row++;
    }
    rows.count = row; rows.isOdd = false; rows.at = i;
    return;
  }
  rows.count = row; rows.isOdd = true; rows.at = begin;
};`;
}

function slotsOf(fields: readonly JsonlField[]): number[] {
  return fields.flatMap(({ value }) =>
    value.kind === "object" ? slotsOf(value.fields) : value.kind === "skipped" ? [] : [value.slot],
  );
}

/** From the brace at `i` to what follows the object, which is then at `i` and in `c`. */
function objectCode(fields: readonly JsonlField[]): string {
  let runs = 0;
  const all = groupsOf(fields).map((group, k) => {
    const comma = k === 0 ? "" : `if (c !== ${COMMA}) break R; if (bytes[++i] === ${SPACE}) i++;\n`;
    const [{ name, value }] = group;
    const code =
      group.length === 1
        ? `${nameCode(name)}\n      ${valueCode(value)}`
        : `i = skipRun(bytes, view, i, word, runs[${runs++}]); if (i < 0) break R; c = bytes[i];`;
    return `      ${comma}      ${code}\n`;
  });
  return `      c = bytes[++i]; if (c === ${SPACE}) c = bytes[++i];
${all.join("")}      if (c === ${SPACE}) c = bytes[++i];
      if (c !== ${CLOSE}) break R;
      c = bytes[++i];
`;
}

/** Compares the name, its quotes and its colon, four bytes at a time; the last word may begin in the one before. */
function nameCode(name: string): string {
  const bytes = nameBytes(name);
  const { length } = bytes;
  const tests = [`i + ${length} > limit`];
  if (length < 4) tests.push(...Array.from(bytes, (byte, k) => `bytes[i + ${k}] !== ${byte}`));
  else {
    const view = new DataView(bytes.buffer, bytes.byteOffset, length);
    for (let k = 0; k < length; k += 4) {
      const at = Math.min(k, length - 4);
      tests.push(`view.getInt32(i + ${at}, true) !== ${view.getInt32(at, true)}`);
    }
  }
  return `if (${tests.join(" || ")}) break R; i += ${length}; if (bytes[i] === ${SPACE}) i++;`;
}

function nameBytes(name: string): Uint8Array {
  return encoder.encode(`${JSON.stringify(name)}:`);
}

function valueCode(value: JsonlValue): string {
  if (value.kind === "object") return `if (bytes[i] !== ${OPEN}) break R;\n${objectCode(value.fields)}`;
  return `i = ${valueCall(value)}; if (i < 0) break R; c = bytes[i];`;
}

/** Gives the end of the value at `i`, or -1 when it is unusual. */
function valueCall(value: Exclude<JsonlValue, { kind: "object" }>): string {
  switch (value.kind) {
    case "skipped": {
      const skip = "skip(bytes, i, 0)";
      return value.isText ? `bytes[i] === ${QUOTE} ? skipText(bytes, view, i, word) : ${skip}` : skip;
    }
    case "null":
      return "nothing(view, i, word)";
    default:
      return `${value.kind}(bytes, view, i, word, b${value.slot}, row)`;
  }
}
