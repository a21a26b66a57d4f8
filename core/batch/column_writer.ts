/**
 * Writes values into the buffers of one shape, by code that is generated for it.
 *
 * Row numbers and positions come from the caller or from the offsets written before,
 * so a row that fails half-way leaves nothing behind. Names of properties get into the
 * code as JSON only. A writer knows nothing of batches.
 */
import { packBits } from "./bitmap.ts";
import { ByteSink } from "./byte_sink.ts";
import type { Absent, Column } from "./column.ts";
import { isDate, measureValue } from "./serialisable.ts";
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
const MAX_CACHED = 1000;
const factories = new Map<string, Factory>();

const TOOLS = {
  ByteSink,
  isDate,
  isPlainObject,
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
  const key = shapeKey(shape);
  let factory = factories.get(key);
  if (factory === undefined) {
    if (factories.size >= MAX_CACHED) factories.clear();
    factory = compileWriter(shape);
    factories.set(key, factory);
  }
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

/** What one part of a shape contributes to the code. */
interface Part {
  /** Statements that write `x` at `i`; they return -1 when it does not fit. */
  readonly write: string;
  /** Statements that write nothing at `i`, for a row whose parent is absent. */
  readonly skip: string;
  /** Expression of the column of the first `n` rows. */
  readonly finish: string;
  /** Bytes of each row beside what `write` adds to `size`. */
  readonly width: number;
}

function compileWriter(shape: Shape): Factory {
  const code: Code = { declarations: [], frames: [], count: 0 };
  const frame = newFrame(code);
  const part = partOf(code, frame, shape, "x", "i", "n");
  const grows = code.frames.map(
    ({ id, grow }) =>
      `let cap${id} = ${FIRST_ROWS}; const grow${id} = (need) => { cap${id} = Math.max(need, cap${id} * 2); ${grow.join(" ")} };`,
  );
  return new Function(
    "tools",
    `"use strict"; const { ByteSink, isDate, isPlainObject, measureValue, packBits, grow, presence } = tools;
    ${code.declarations.join("\n")}
    ${grows.join("\n")}
    return {
      write(x, i) { if (i >= cap0) grow0(i + 1); let size = ${part.width}; ${part.write} return size; },
      finish(n) { return ${part.finish}; },
    };`,
  ) as Factory;
}

function newFrame(code: Code): Frame {
  const frame = { id: code.frames.length, grow: [] };
  code.frames.push(frame);
  return frame;
}

/** Declares a buffer of one element for each row (and `extra` more). */
function buffer(code: Code, frame: Frame, name: string, type: string, extra = 0): void {
  code.declarations.push(`let ${name} = new ${type}(${FIRST_ROWS + extra});`);
  frame.grow.push(`${name} = grow(${name}, cap${frame.id} + ${extra});`);
}

function partOf(code: Code, frame: Frame, shape: Shape, x: string, i: string, n: string): Part {
  if (shape.kind === "none") return nullPart("return -1;", "null", n);
  if (shape.kind === "null") return nullPart(`if (${x} !== ${shape.absent}) return -1;`, shape.absent, n);
  const id = code.count++;
  if (shape.absent === undefined) return presentPart(code, frame, shape, id, x, i, n, "");
  const flags = `p${id}`;
  buffer(code, frame, flags, "Uint8Array");
  const part = presentPart(
    code,
    frame,
    shape,
    id,
    x,
    i,
    n,
    `...presence(${flags}, ${n}, "${shape.absent}"), `,
  );
  return {
    write: `if (${x} === ${shape.absent}) { ${flags}[${i}] = 0; ${part.skip} } else { ${flags}[${i}] = 1; ${part.write} }`,
    skip: `${flags}[${i}] = 0; ${part.skip}`,
    finish: part.finish,
    width: part.width + 1,
  };
}

function nullPart(write: string, absent: Absent, n: string): Part {
  return { write, skip: "", finish: `{ kind: "null", length: ${n}, absent: "${absent}" }`, width: 0 };
}

type Present = Exclude<Shape, { kind: "none" | "null" }>;

function presentPart(
  code: Code,
  frame: Frame,
  shape: Present,
  id: number,
  x: string,
  i: string,
  n: string,
  presence: string,
): Part {
  const head = `{ kind: "${shape.kind}", length: ${n}, ${presence}`;
  switch (shape.kind) {
    case "number":
    case "date": {
      buffer(code, frame, `v${id}`, "Float64Array");
      const write =
        shape.kind === "number"
          ? `if (typeof ${x} !== "number") return -1; v${id}[${i}] = ${x};`
          : `if (!isDate(${x})) return -1; v${id}[${i}] = ${x}.getTime();`;
      return {
        write,
        skip: `v${id}[${i}] = 0;`,
        finish: `${head} values: v${id}.slice(0, ${n}) }`,
        width: 8,
      };
    }
    case "boolean":
      buffer(code, frame, `b${id}`, "Uint8Array");
      return {
        write: `if (${x} === true) b${id}[${i}] = 1; else if (${x} === false) b${id}[${i}] = 0; else return -1;`,
        skip: `b${id}[${i}] = 0;`,
        finish: `${head} bits: packBits(b${id}, ${n}) }`,
        width: 1,
      };
    case "any":
      code.declarations.push(`let a${id} = [];`);
      return {
        write: `{ const z = measureValue(${x}); if (z < 0) return -1; size += z; a${id}[${i}] = ${x}; }`,
        skip: `a${id}[${i}] = undefined;`,
        finish: `${head} values: a${id}.slice(0, ${n}) }`,
        width: 0,
      };
    case "string":
    case "bytes":
      return bytesPart(code, frame, shape.kind, id, x, i, n, head);
    case "list":
      return listPart(code, frame, shape.item, id, x, i, n, head);
    default:
      return fieldsPart(code, frame, shape, id, x, i, n, head);
  }
}

function bytesPart(
  code: Code,
  frame: Frame,
  kind: "string" | "bytes",
  id: number,
  x: string,
  i: string,
  n: string,
  head: string,
): Part {
  const offsets = `o${id}`;
  const sink = `s${id}`;
  buffer(code, frame, offsets, "Uint32Array", 1);
  code.declarations.push(`const ${sink} = new ByteSink();`);
  const write =
    kind === "string"
      ? `if (typeof ${x} !== "string") return -1; const at = ${offsets}[${i}], end = ${sink}.writeString(${x}, at); if (end < 0) return -1;`
      : `if (!(${x} instanceof Uint8Array)) return -1; const at = ${offsets}[${i}], end = ${sink}.writeBytes(${x}, 0, ${x}.length, at);`;
  return {
    write: `{ ${write} ${offsets}[${i} + 1] = end; size += end - at; }`,
    skip: `${offsets}[${i} + 1] = ${offsets}[${i}];`,
    finish: `${head} offsets: ${offsets}.slice(0, ${n} + 1), bytes: ${sink}.bytes.slice(0, ${offsets}[${n}]) }`,
    width: 4,
  };
}

function listPart(
  code: Code,
  frame: Frame,
  item: Shape,
  id: number,
  x: string,
  i: string,
  n: string,
  head: string,
): Part {
  const offsets = `o${id}`;
  buffer(code, frame, offsets, "Uint32Array", 1);
  const inner = newFrame(code);
  const at = `j${id}`;
  const part = partOf(code, inner, item, `x${id}`, at, `${offsets}[${n}]`);
  return {
    write: `if (!Array.isArray(${x})) return -1;
      const m${id} = ${x}.length; let ${at} = ${offsets}[${i}]; size += m${id} * ${part.width};
      if (${at} + m${id} > cap${inner.id}) grow${inner.id}(${at} + m${id});
      for (let k${id} = 0; k${id} < m${id}; k${id}++, ${at}++) { const x${id} = ${x}[k${id}]; ${part.write} }
      ${offsets}[${i} + 1] = ${at};`,
    skip: `${offsets}[${i} + 1] = ${offsets}[${i}];`,
    finish: `${head} offsets: ${offsets}.slice(0, ${n} + 1), items: ${part.finish} }`,
    width: 4,
  };
}

function fieldsPart(
  code: Code,
  frame: Frame,
  shape: Extract<Shape, { kind: "tuple" | "object" }>,
  id: number,
  x: string,
  i: string,
  n: string,
  head: string,
): Part {
  const fields = shape.items.map((item, k) => {
    const field = `f${id}_${k}`;
    const key = shape.kind === "tuple" ? String(k) : JSON.stringify(shape.names[k]);
    return { access: `const ${field} = ${x}[${key}];`, part: partOf(code, frame, item, field, i, n) };
  });
  const names = shape.kind === "object" ? `names: names${id}, ` : "";
  if (shape.kind === "object") {
    code.declarations.push(`const names${id} = Object.freeze(${JSON.stringify(shape.names)});`);
  }
  const check =
    shape.kind === "tuple"
      ? `if (!Array.isArray(${x}) || ${x}.length !== ${shape.items.length}) return -1;`
      : namesCheck(x, id, shape.names.length);
  return {
    write: `${check} ${fields.map(({ access, part }) => `${access} ${part.write}`).join("\n")}`,
    skip: fields.map(({ part }) => part.skip).join(" "),
    finish: `${head} ${names}columns: [${fields.map(({ part }) => part.finish).join(", ")}] }`,
    width: fields.reduce((sum, { part }) => sum + part.width, 0),
  };
}

/** Plain object, and the same names in the same order. */
function namesCheck(x: string, id: number, count: number): string {
  return `if (typeof ${x} !== "object" || ${x} === null || !isPlainObject(${x})) return -1;
    let q${id} = 0;
    for (const name in ${x}) if (name !== names${id}[q${id}++]) return -1;
    if (q${id} !== ${count}) return -1;`;
}
