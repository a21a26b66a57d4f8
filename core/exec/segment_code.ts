/**
 * Writes the source of one fused loop for a run of streaming steps.
 *
 * Only the kinds of the steps shape the text: closures, contexts and the next
 * operator are bound as parameters, never spliced. `s` is the step that runs (-1
 * outside of user code) and `i` the row, so that an error can be told its place.
 */

/** The steps that can run within one loop. */
export const SEGMENT_KINDS = [
  "map",
  "filter",
  "flatMap",
  "tap",
  "mapValues",
  "keyBy",
  "keys",
  "values",
  "words",
  "sample",
  "forEach",
] as const;
export type SegmentKind = (typeof SEGMENT_KINDS)[number];

/** What the next operator takes, which changes the text. */
export interface SegmentTarget {
  readonly takesPairs: boolean;
  readonly canBeDone: boolean;
}

/**
 * How rows come in: as rows or as keys and values apart, many from a reader or one as an argument; numbers come
 * from their Float64Array, as the call of a reader would cost as much as a short closure.
 */
export type SegmentEntry = "rows" | "numbers" | "pairs" | "row" | "pair";

/** A value under way: one row, or a pair that nobody has made an array of yet. */
type Current = { readonly row: string } | { readonly key: string; readonly value: string };

/** The body of `(f, c, next, tools, fail) => loop` for these steps. */
export function segmentSource(
  kinds: readonly SegmentKind[],
  target: SegmentTarget,
  entry: SegmentEntry,
): string {
  const writer = new SourceWriter(kinds, target);
  const isMany = entry === "rows" || entry === "numbers" || entry === "pairs";
  const isPair = entry === "pairs" || entry === "pair";
  const start: Current = isPair ? { key: "k", value: "w" } : { row: "v" };
  const body = `L: { ${writer.steps(0, start, "L")} }`;
  const one = entry === "numbers" ? "read[i]" : "read(i)";
  const read = isPair ? "const k = readKey(i); const w = read(i);" : `const v = ${one};`;
  const stop = target.canBeDone ? "if (next.isDone()) break;" : "";
  const signature = isMany ? "(read, rows, base, readKey)" : isPair ? "(k, w, base)" : "(v, base)";
  const loop = isMany ? `for (; i < rows; i++) { s = -1; ${stop} ${read} ${body} }` : body;
  const bound = kinds.map((_, n) => `const f${n} = f[${n}], c${n} = c[${n}];`).join("\n");
  return `"use strict";
${bound}
const { isSpace, iterable, text, settled } = tools;
return function segment${signature} {
  let i = 0, s = -1;
  try { ${loop} } catch (error) { fail(s, base + i, error); }
};`;
}

class SourceWriter {
  readonly #kinds: readonly SegmentKind[];
  readonly #target: SegmentTarget;
  #names = 0;

  constructor(kinds: readonly SegmentKind[], target: SegmentTarget) {
    this.#kinds = kinds;
    this.#target = target;
  }

  /** Code of the steps from `n` on; a row that is dropped leaves the block `label`. */
  steps(n: number, current: Current, label: string): string {
    const kind = this.#kinds[n];
    if (kind === undefined) return this.#emit(current);
    const at = `s = ${n};`;
    if (kind === "sample") return `if (!f${n}()) break ${label}; ${this.steps(n + 1, current, label)}`;
    if (kind === "keys" || kind === "values" || kind === "mapValues") {
      return this.#onPair(kind, n, current, label);
    }
    const { code, row } = this.#rowOf(current);
    const call = `f${n}(${row}, c${n})`;
    switch (kind) {
      case "filter":
        return `${code} ${at} ${this.#filter(call, label)} ${this.steps(n + 1, keep(current, row), label)}`;
      case "tap":
        return `${code} ${at} settled(${call}); ${this.steps(n + 1, keep(current, row), label)}`;
      case "forEach":
        return `${code} ${at} settled(${call});`;
      case "map": {
        const v = this.#name("v");
        return `${code} ${at} const ${v} = ${call}; ${this.steps(n + 1, { row: v }, label)}`;
      }
      case "keyBy": {
        const k = this.#name("k");
        return `${code} ${at} const ${k} = ${call}; ${this.steps(n + 1, { key: k, value: row }, label)}`;
      }
      case "flatMap":
        return `${code} ${at} ${this.#flatMap(n, call)}`;
      case "words":
        return `${code} ${at} ${this.#words(n, row)}`;
    }
  }

  #onPair(kind: "keys" | "values" | "mapValues", n: number, current: Current, label: string): string {
    const isPair = "key" in current;
    const key = isPair ? current.key : `${current.row}[0]`;
    const value = isPair ? current.value : `${current.row}[1]`;
    if (kind !== "mapValues") {
      const v = this.#name("v");
      const code = `s = ${n}; const ${v} = ${kind === "keys" ? key : value};`;
      return `${code} ${this.steps(n + 1, { row: v }, label)}`;
    }
    const k = this.#name("k");
    const w = this.#name("w");
    const code = `s = ${n}; const ${k} = ${key}; const ${w} = f${n}(${value}, c${n});`;
    return `${code} ${this.steps(n + 1, { key: k, value: w }, label)}`;
  }

  /** A promise is truthy, so an asynchronous filter would keep every row. */
  #filter(call: string, label: string): string {
    const b = this.#name("b");
    return `const ${b} = ${call}; if (${b} !== true) { if (!${b}) break ${label}; settled(${b}); }`;
  }

  /** Arrays go by index; the body stands twice, so a segment holds few flatMaps (see splitSteps). */
  #flatMap(n: number, call: string): string {
    const r = this.#name("r");
    const j = this.#name("j");
    const stop = this.#target.canBeDone ? "if (next.isDone()) break;" : "";
    const byIndex = this.#name("v");
    const byOrder = this.#name("v");
    const [a, b] = [this.#name("L"), this.#name("L")];
    return `const ${r} = ${call};
if (Array.isArray(${r})) {
  for (let ${j} = 0; ${j} < ${r}.length; ${j}++) {
    const ${byIndex} = ${r}[${j}]; ${a}: { ${this.steps(n + 1, { row: byIndex }, a)} }
  }
} else {
  for (const ${byOrder} of iterable(${r})) {
    ${b}: { ${this.steps(n + 1, { row: byOrder }, b)} }
    ${stop} s = ${n};
  }
}`;
  }

  #words(n: number, row: string): string {
    const [t, p, e, b, v, label] = ["t", "p", "e", "b", "v", "L"].map((name) => this.#name(name));
    return `const ${t} = text(${row}), ${e} = ${t}.length;
for (let ${p} = 0; ;) {
  while (${p} < ${e} && isSpace(${t}.charCodeAt(${p}))) ${p}++;
  if (${p} >= ${e}) break;
  const ${b} = ${p}++;
  while (${p} < ${e} && !isSpace(${t}.charCodeAt(${p}))) ${p}++;
  const ${v} = ${t}.substring(${b}, ${p});
  ${label}: { ${this.steps(n + 1, { row: v }, label)} }
}`;
  }

  #emit(current: Current): string {
    if ("row" in current) return `s = -1; next.row(${current.row});`;
    const { key, value } = current;
    return this.#target.takesPairs
      ? `s = -1; next.pair(${key}, ${value});`
      : `s = -1; next.row([${key}, ${value}]);`;
  }

  #rowOf(current: Current): { readonly code: string; readonly row: string } {
    if ("row" in current) return { code: "", row: current.row };
    const row = this.#name("v");
    return { code: `const ${row} = [${current.key}, ${current.value}];`, row };
  }

  #name(prefix: string): string {
    return `${prefix}${this.#names++}_`;
  }
}

/** A closure that got the row may have kept or changed it, so the array it saw goes on. */
function keep(current: Current, row: string): Current {
  return "row" in current ? current : { row };
}
