/**
 * Writes the source of the loop that parses JSON lines of one shape.
 *
 * Names of properties get into it as the numbers of their bytes only. One pass: names
 * are compared, values that nobody wants are checked and passed over, the others go
 * straight into the buffers of their columns. At a line with anything unusual (another
 * name, another type, space where writers put none, whatever may be wrong) the loop
 * stops, and leaves it as if it had not been looked at.
 */
import type { JsonlField, JsonlLeaf, JsonlValue } from "./jsonl_shape.ts";

const NEWLINE = 10;
const RETURN = 13;
const SPACE = 32;
const QUOTE = 34;
const COMMA = 44;
const BACKSLASH = 92;
const OPEN = 123;
const CLOSE = 125;
/** "null", "true" and "fals" as little-endian words. */
const NULL = 0x6c6c756e;
const TRUE = 0x65757274;
const FALS = 0x736c6166;

const encoder = new TextEncoder();

/**
 * The body of `(tools) => parse`. `parse(bytes, view, limit, rows, buffers)` reads lines of bytes[rows.at … limit),
 * which ends with a line end, from row `rows.count` to `rows.end`; `rows.isOdd` says that an unusual one is at `rows.at`.
 */
export function jsonlLoopSource(fields: readonly JsonlField[]): string {
  const leaves = leavesOf(fields);
  const join = (code: (leaf: JsonlLeaf) => string) => leaves.map(code).join("");
  return `"use strict";
const { number, decimal, skip, unescape, escapeLength, isUtf8, powers } = tools;
return function parse(bytes, view, limit, rows, buffers) {
  const end = rows.end, word = limit - 4, stop = { at: 0 };
  let row = rows.count, i = rows.at, begin = i, isOdd = false, c = 0;
${join(declaration)}  while (row < end && i < limit) {
    begin = i;
    R: {
      if (bytes[i] !== ${OPEN}) { if (bytes[i] === ${NEWLINE}) { i++; continue; } break R; }
${objectCode(fields)}      if (c === ${RETURN}) c = bytes[++i];
      if (c !== ${NEWLINE}) break R;
      i++; row++;
      continue;
    }
    isOdd = true;
    i = begin;
${join(undo)}    break;
  }
  rows.count = row; rows.isOdd = isOdd; rows.at = i;
${join((leaf) => (isText(leaf) ? `  b${leaf.slot}.used = t${leaf.slot};\n` : ""))}};`;
}

function leavesOf(fields: readonly JsonlField[]): JsonlLeaf[] {
  return fields.flatMap(({ value }) =>
    value.kind === "object" ? leavesOf(value.fields) : value.kind === "skipped" ? [] : [value],
  );
}

function isText({ kind }: JsonlLeaf): boolean {
  return kind === "string" || kind === "json";
}

function declaration(leaf: JsonlLeaf): string {
  const { slot: s, kind } = leaf;
  const buffer = `  const b${s} = buffers[${s}];`;
  if (isText(leaf)) {
    const view = kind === "string" ? `, w${s} = new DataView(s${s}.buffer)` : "";
    return `${buffer} const s${s} = b${s}.bytes, o${s} = b${s}.offsets${view}; let t${s} = b${s}.used;\n`;
  }
  if (kind === "null") return "";
  return `${buffer} const v${s} = b${s}.${kind === "boolean" ? "flags" : "values"};\n`;
}

/** What a line left behind that is read in another way. */
function undo(leaf: JsonlLeaf): string {
  const { slot: s, kind } = leaf;
  if (kind === "null") return "";
  return `    ${isText(leaf) ? `t${s} = o${s}[row]; ` : ""}b${s}.setPresent(row);\n`;
}

/** From the brace at `i` to what follows the object, which is then at `i` and in `c`. */
function objectCode(fields: readonly JsonlField[]): string {
  const all = fields.map(({ name, value }, k) => {
    const comma = k === 0 ? "" : `if (c !== ${COMMA}) break R; if (bytes[++i] === ${SPACE}) i++;\n`;
    return `      ${comma}      ${nameCode(name)}\n      { ${valueCode(value)} }\n`;
  });
  return `      c = bytes[++i]; if (c === ${SPACE}) c = bytes[++i];
${all.join("")}      if (c === ${SPACE}) c = bytes[++i];
      if (c !== ${CLOSE}) break R;
      c = bytes[++i];
`;
}

/** Compares the name, its quotes and its colon, four bytes at a time; the last word may begin in the one before. */
function nameCode(name: string): string {
  const bytes = encoder.encode(`${JSON.stringify(name)}:`);
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

function valueCode(value: JsonlValue): string {
  switch (value.kind) {
    case "skipped":
      return value.isText
        ? `if (bytes[i] === ${QUOTE}) { ${skipTextCode()} } else { ${skipCode()} }`
        : skipCode();
    case "object":
      return `if (bytes[i] !== ${OPEN}) break R;\n${objectCode(value.fields)}`;
    case "null":
      return nullCode("");
    case "number":
      return numberCode(value.slot);
    case "string":
      return `if (bytes[i] === ${QUOTE}) { ${stringCode(value.slot)} }
      else { ${nullCode(`b${value.slot}.setAbsent(row);`)} } o${value.slot}[row + 1] = t${value.slot};`;
    case "boolean":
      return booleanCode(value.slot);
    case "json":
      return jsonCode(value.slot);
  }
}

function skipCode(): string {
  return "i = skip(bytes, i); if (i < 0) break R; c = bytes[i];";
}

function nullCode(then: string): string {
  return `if (i > word || view.getInt32(i, true) !== ${NULL}) break R; ${then} i += 4; c = bytes[i];`;
}

function booleanCode(s: number): string {
  return `const x = i > word ? 0 : view.getInt32(i, true);
      if (x === ${TRUE}) { v${s}[row] = 1; i += 4; c = bytes[i]; }
      else if (x === ${FALS} && bytes[i + 4] === 101) { v${s}[row] = 0; i += 5; c = bytes[i]; }
      else { v${s}[row] = 0; ${nullCode(`b${s}.setAbsent(row);`)} }`;
}

/** Digits with at most one point, nine in all, are summed as 32-bit integers; more are looked at again. */
function numberCode(s: number): string {
  const digits =
    "for (c = bytes[i]; c >= 48 && c <= 57; c = bytes[++i]) n = Math.imul(n, 10) + (c - 48) | 0;";
  return `const start = i; let n = 0, d = 0, p = 0, x = NaN;
      const isNegative = bytes[i] === 45; if (isNegative) i++;
      const first = i; ${digits} d = i - first;
      let isNumber = d === 1 || (d > 1 && bytes[first] !== 48);
      if (c === 46) { const point = ++i; ${digits} p = i - point; d += p; if (p === 0) isNumber = false; }
      if (isNumber && (c === ${COMMA} || c === ${CLOSE})) {
        x = d > 9 ? decimal(bytes, first, i) : p === 0 ? n : n / powers[p];
      }
      if (x === x) v${s}[row] = isNegative ? -x : x;
      else {
        x = number(bytes, start, stop);
        if (x === x) { v${s}[row] = x; i = stop.at; c = bytes[i]; }
        else { i = start; v${s}[row] = 0; ${nullCode(`b${s}.setAbsent(row);`)} }
      }`;
}

/** The text is checked and copied together, as one value among those that are parsed later. */
function jsonCode(s: number): string {
  return `const from = i; ${skipCode()}
      if (i - from > 64) { s${s}.set(bytes.subarray(from, i), t${s}); t${s} += i - from; }
      else for (let k = from; k < i; k++) s${s}[t${s}++] = bytes[k];
      s${s}[t${s}++] = ${COMMA}; o${s}[row + 1] = t${s};`;
}

/** In x, the highest bit of the first byte of `four` that ends a run of plain characters, and maybe bits above it. */
const ENDS = `const q = four ^ 0x22222222, e = four ^ 0x5c5c5c5c;
        const x = (((q - 0x01010101) & ~q) | ((e - 0x01010101) & ~e) | ((four - 0x20202020) & ~four)) & 0x80808080;`;

/** From the quote at `i` behind the one that closes; the bytes are copied word by word. */
function stringCode(s: number): string {
  return `const start = ++i; let m = 0;
      for (;;) {
        if (i > word) {
          c = bytes[i];
          if (c > 31 && c !== ${QUOTE} && c !== ${BACKSLASH}) { s${s}[t${s}++] = c; m |= c; i++; continue; }
        } else {
          const four = view.getInt32(i, true);
          ${ENDS}
          w${s}.setInt32(t${s}, four, true);
          if (x === 0) { m |= four; i += 4; t${s} += 4; continue; }
          const n = (31 - Math.clz32(x & -x)) >> 3;
          m |= four & ((1 << (n << 3)) - 1); i += n; t${s} += n; c = bytes[i];
        }
        if (c === ${QUOTE}) break;
        if (c !== ${BACKSLASH}) break R;
        const taken = unescape(bytes, i, s${s}, t${s});
        if (taken === 0) break R;
        i += taken >> 3; t${s} += taken & 7;
      }
      if ((m & 0x80808080) !== 0 && !isUtf8(bytes, start, i)) break R;
      c = bytes[++i];`;
}

function skipTextCode(): string {
  return `i++;
      for (;;) {
        if (i > word) {
          c = bytes[i];
          if (c > 31 && c !== ${QUOTE} && c !== ${BACKSLASH}) { i++; continue; }
        } else {
          const four = view.getInt32(i, true);
          ${ENDS}
          if (x === 0) { i += 4; continue; }
          i += (31 - Math.clz32(x & -x)) >> 3; c = bytes[i];
        }
        if (c === ${QUOTE}) break;
        const length = c === ${BACKSLASH} ? escapeLength(bytes, i) : 0;
        if (length === 0) break R;
        i += length;
      }
      c = bytes[++i];`;
}
