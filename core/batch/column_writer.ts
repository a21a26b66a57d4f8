/**
 * Writes values into the buffers of one shape, by code that is generated for it.
 *
 * Row numbers and positions come from the caller or from the offsets written before,
 * so a row that fails half-way leaves nothing behind. Names of properties get into the
 * code as JSON only. A writer knows nothing of batches.
 */
import { CodeCache, compileFunction, wantsGeneratedCode } from "../generated_code.ts";
import { packBits } from "./bitmap.ts";
import { ByteSink } from "./byte_sink.ts";
import type { Absent, Column } from "./column.ts";
import { PlainWriter } from "./plain_writer.ts";
import { copyValue, isDate, measureValue } from "./serialisable.ts";
import { isPlainObject, type Shape, shapeKey } from "./shape.ts";

export interface ColumnWriter {
  /** Writes row n, where n rows are held; tells about how many bytes it took, -1 when it does not fit. */
  write(value: unknown, n: number): number;
  /** A column of the first n rows; the writer may be used again from row 0. */
  finish(n: number): Column;
}

type Factory = (tools: typeof TOOLS) => ColumnWriter;
type Grown = Float64Array | Uint32Array | Uint8Array;

const FIRST_ROWS = 64;
const factories = new CodeCache<Factory>();

const TOOLS = {
  ByteSink,
  isDate,
  isPlainObject,
  copyValue,
  measureValue,
  packBits,
  grow<T extends Grown>(old: T, length: number): T {
    const grown = new (old.constructor as new (length: number) => T)(length);
    grown.set(old);
    return grown;
  },
  presence(flags: Uint8Array, length: number, absent: Absent): { validity?: Uint8Array; absent?: Absent } {
    for (let i = 0; i < length; i++) {
      if (flags[i] === 0) return { validity: packBits(flags, length), absent };
    }
    return {};
  },
};

/** Returns a new, empty writer of a shape. */
export function columnWriter(shape: Shape): ColumnWriter {
  if (!wantsGeneratedCode()) return new PlainWriter(shape);
  const factory = factories.get(
    shapeKey(shape),
    () => compileFunction(["tools"], columnWriterSource(shape)) as Factory,
  );
  return factory(TOOLS);
}

/** Buffers that grow together: of the rows, or of the items of one list. */
interface Frame {
  readonly id: number;
  readonly grow: string[];
}

interface Code {
  readonly declarations: string[];
  readonly frames: Frame[];
  count: number;
}

/** Where a part's code stands: its buffers' frame, and the names of variables in the code. */
interface Place {
  readonly code: Code;
  readonly frame: Frame;
  /** The value to write. */
  readonly x: string;
  /** The row that it is written to. */
  readonly i: string;
  /** The number of rows, when the column is finished. */
  readonly n: string;
}

/** What one part of a shape contributes to the code. */
interface Part {
  /** Statements that write `x` at `i`; they return -1 when it does not fit. */
  readonly write: string;
  /** Statements that write nothing at `i`, for a row whose parent is absent. */
  readonly skip: string;
  /** The properties of the finished column beside kind, length and presence. */
  readonly fields: string;
  /** Bytes of each row beside what `write` adds to `size`. */
  readonly width: number;
}

/** A part with the expression of its whole column. */
interface Finished extends Part {
  readonly finish: string;
}

/** The body of `tools => writer` for a shape. */
export function columnWriterSource(shape: Shape): string {
  const code: Code = { declarations: [], frames: [], count: 0 };
  const part = partOf({ code, frame: newFrame(code), x: "x", i: "i", n: "n" }, shape);
  const grows = code.frames.map(
    ({ id, grow }) =>
      `let cap${id} = ${FIRST_ROWS};
       const grow${id} = (need) => { cap${id} = Math.max(need, cap${id} * 2); ${grow.join(" ")} };`,
  );
  return `"use strict"; const { ByteSink, copyValue, isDate, isPlainObject, measureValue, packBits, grow, presence } = tools;
    ${code.declarations.join("\n")}
    ${grows.join("\n")}
    return {
      write(x, i) { if (i >= cap0) grow0(i + 1); let size = ${part.width}; ${part.write} return size; },
      finish(n) { return ${part.finish}; },
    };`;
}

function newFrame(code: Code): Frame {
  const frame = { id: code.frames.length, grow: [] };
  code.frames.push(frame);
  return frame;
}

/** Declares a buffer of one element for each row (and `extra` more). */
function buffer({ code, frame }: Place, name: string, type: string, extra = 0): void {
  code.declarations.push(`let ${name} = new ${type}(${FIRST_ROWS + extra});`);
  frame.grow.push(`${name} = grow(${name}, cap${frame.id} + ${extra});`);
}

function partOf(place: Place, shape: Shape): Finished {
  const { x, i, n } = place;
  if (shape.kind === "none" || shape.kind === "null") {
    const absent = shape.kind === "null" ? shape.absent : "null";
    const write = shape.kind === "null" ? `if (${x} !== ${absent}) return -1;` : "return -1;";
    const finish = `{ kind: "null", length: ${n}, absent: "${absent}" }`;
    return { write, skip: "", fields: "", finish, width: 0 };
  }
  const id = place.code.count++;
  const part = presentPart(place, shape, id);
  const head = `kind: "${shape.kind}", length: ${n}`;
  if (shape.absent === undefined) return { ...part, finish: `{ ${head}, ${part.fields} }` };
  const flags = `p${id}`;
  buffer(place, flags, "Uint8Array");
  return {
    ...part,
    write: `if (${x} === ${shape.absent}) { ${flags}[${i}] = 0; ${part.skip} }
      else { ${flags}[${i}] = 1; ${part.write} }`,
    skip: `${flags}[${i}] = 0; ${part.skip}`,
    finish: `{ ${head}, ...presence(${flags}, ${n}, "${shape.absent}"), ${part.fields} }`,
    width: part.width + 1,
  };
}

type Present = Exclude<Shape, { kind: "none" | "null" }>;

function presentPart(place: Place, shape: Present, id: number): Part {
  switch (shape.kind) {
    case "number":
      return doublePart(place, id, `typeof ${place.x} === "number"`, place.x);
    case "date":
      return doublePart(place, id, `isDate(${place.x})`, `${place.x}.getTime()`);
    case "boolean":
      return booleanPart(place, id);
    case "any":
      return anyPart(place, id);
    case "string":
      return runsPart(place, id, `typeof ${place.x} === "string"`, `writeString(${place.x}, at)`);
    case "bytes":
      return runsPart(
        place,
        id,
        `${place.x} instanceof Uint8Array`,
        `writeBytes(${place.x}, 0, ${place.x}.length, at)`,
      );
    case "list":
      return listPart(place, id, shape.item);
    case "tuple":
      return tuplePart(place, shape.items);
    case "object":
      return objectPart(place, id, shape.names, shape.items);
  }
}

function doublePart(place: Place, id: number, fits: string, value: string): Part {
  const { i, n } = place;
  buffer(place, `v${id}`, "Float64Array");
  return {
    write: `if (!(${fits})) return -1; v${id}[${i}] = ${value};`,
    skip: `v${id}[${i}] = 0;`,
    fields: `values: v${id}.slice(0, ${n})`,
    width: 8,
  };
}

function booleanPart(place: Place, id: number): Part {
  const { x, i, n } = place;
  buffer(place, `b${id}`, "Uint8Array");
  return {
    write: `if (${x} === true) b${id}[${i}] = 1; else if (${x} === false) b${id}[${i}] = 0; else return -1;`,
    skip: `b${id}[${i}] = 0;`,
    fields: `bits: packBits(b${id}, ${n})`,
    width: 1,
  };
}

function anyPart({ code, x, i, n }: Place, id: number): Part {
  code.declarations.push(`const a${id} = [];`);
  return {
    write: `{ const z = measureValue(${x}); if (z < 0) return -1; size += z; a${id}[${i}] = copyValue(${x}); }`,
    skip: `a${id}[${i}] = undefined;`,
    // Taken out, not copied, so that the writer does not keep them alive.
    fields: `values: a${id}.splice(0, ${n})`,
    width: 0,
  };
}

function runsPart(place: Place, id: number, fits: string, write: string): Part {
  const { i, n } = place;
  const offsets = `o${id}`;
  const sink = `s${id}`;
  buffer(place, offsets, "Uint32Array", 1);
  place.code.declarations.push(`const ${sink} = new ByteSink();`);
  return {
    write: `{ if (!(${fits})) return -1;
      const at = ${offsets}[${i}], end = ${sink}.${write}; if (end < 0) return -1;
      ${offsets}[${i} + 1] = end; size += end - at; }`,
    skip: `${offsets}[${i} + 1] = ${offsets}[${i}];`,
    fields: `offsets: ${offsets}.slice(0, ${n} + 1), bytes: ${sink}.bytes.slice(0, ${offsets}[${n}])`,
    width: 4,
  };
}

function listPart(place: Place, id: number, item: Shape): Part {
  const { code, x, i, n } = place;
  const offsets = `o${id}`;
  buffer(place, offsets, "Uint32Array", 1);
  const frame = newFrame(code);
  const at = `j${id}`;
  const part = partOf({ code, frame, x: `x${id}`, i: at, n: `${offsets}[${n}]` }, item);
  return {
    write: `if (!Array.isArray(${x})) return -1;
      const m${id} = ${x}.length; let ${at} = ${offsets}[${i}]; size += m${id} * ${part.width};
      if (${at} + m${id} > cap${frame.id}) grow${frame.id}(${at} + m${id});
      for (let k${id} = 0; k${id} < m${id}; k${id}++, ${at}++) { const x${id} = ${x}[k${id}]; ${part.write} }
      ${offsets}[${i} + 1] = ${at};`,
    skip: `${offsets}[${i} + 1] = ${offsets}[${i}];`,
    fields: `offsets: ${offsets}.slice(0, ${n} + 1), items: ${part.finish}`,
    width: 4,
  };
}

function tuplePart(place: Place, items: readonly Shape[]): Part {
  const { x } = place;
  const part = itemsPart(place, items, (k) => `${x}[${k}]`);
  return {
    ...part,
    write: `if (!Array.isArray(${x}) || ${x}.length !== ${items.length}) return -1; ${part.write}`,
  };
}

/** Takes plain objects with the same names in the same order. */
function objectPart(place: Place, id: number, names: readonly string[], items: readonly Shape[]): Part {
  const { code, x } = place;
  code.declarations.push(`const names${id} = Object.freeze(${JSON.stringify(names)});`);
  const part = itemsPart(place, items, (k) => `${x}[${JSON.stringify(names[k])}]`);
  return {
    ...part,
    write: `if (typeof ${x} !== "object" || ${x} === null || !isPlainObject(${x})) return -1;
      let q${id} = 0;
      for (const name in ${x}) if (name !== names${id}[q${id}++]) return -1;
      if (q${id} !== ${names.length}) return -1;
      ${part.write}`,
    fields: `names: names${id}, ${part.fields}`,
  };
}

function itemsPart(place: Place, items: readonly Shape[], access: (k: number) => string): Part {
  const parts = items.map((item, k) => {
    const x = `f${place.code.count++}`;
    const part = partOf({ ...place, x }, item);
    return { ...part, write: `const ${x} = ${access(k)}; ${part.write}` };
  });
  return {
    write: parts.map((part) => part.write).join("\n"),
    skip: parts.map((part) => part.skip).join(" "),
    fields: `columns: [${parts.map((part) => part.finish).join(", ")}]`,
    width: parts.reduce((sum, part) => sum + part.width, 0),
  };
}
