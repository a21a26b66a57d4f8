/**
 * What JSON lines of one kind look like: their property names in order, and what
 * each value is. Learnt of a few rows; only what a generated loop can read.
 *
 * Knows nothing of bytes, nor of how rows that look otherwise are read.
 */
import { NONE, type Shape, shapeOf, widen } from "../batch/shape.ts";

/** A value that may be null, or always is; "json" is any value, kept as text until all of them are parsed together. */
export interface JsonlLeaf {
  readonly kind: "number" | "string" | "boolean" | "null" | "json";
  /** Place among the buffers. */
  readonly slot: number;
}

export type JsonlValue =
  | JsonlLeaf
  /** `isText` only says what is expected. */
  | { readonly kind: "skipped"; readonly isText: boolean }
  | { readonly kind: "object"; readonly fields: readonly JsonlField[] };

export interface JsonlField {
  readonly name: string;
  readonly value: JsonlValue;
}

export interface JsonlShape {
  /** All properties of a line, in its order. */
  readonly fields: readonly JsonlField[];
  /** The properties of a row; without a value where lines have no such property. */
  readonly columns: readonly { readonly name: string; readonly value: JsonlValue | undefined }[];
}

/** Which properties a row has. */
export interface JsonlChoice {
  /** Every row has these, of which a line may lack some. */
  readonly columns?: readonly string[] | undefined;
  /** Only these are looked at. */
  readonly wanted?: readonly string[] | undefined;
}

/** Names with other characters could be written in several ways, or mean something in an object. */
const PLAIN_NAME = /^(?!__proto__$)[^"\\\p{Cc}]*$/u;

/** The shape that most of the rows have; undefined when they are not such objects, or of many shapes. */
export function learnShape(rows: readonly unknown[], choice: JsonlChoice): JsonlShape | undefined {
  const counts = new Map<string, { count: number; shape: Shape }>();
  for (const row of rows) {
    if (typeof row !== "object" || row === null || Array.isArray(row)) continue;
    const names = JSON.stringify(Object.keys(row));
    const known = counts.get(names) ?? { count: 0, shape: NONE };
    counts.set(names, { count: known.count + 1, shape: widen(known.shape, shapeOf(row)) });
  }
  const [first] = [...counts.values()].sort((a, b) => b.count - a.count);
  if (first?.shape.kind !== "object" || first.count * 2 < rows.length) return undefined;
  return shapeOfLines(first.shape, choice);
}

function shapeOfLines(shape: Shape & { kind: "object" }, choice: JsonlChoice): JsonlShape | undefined {
  const chosen = chosenNames(shape.names, choice);
  let slots = 0;
  const valueOfShape = (own: Shape): JsonlValue => {
    if (own.kind !== "object" || own.absent !== undefined) return { kind: leafKind(own), slot: slots++ };
    return {
      kind: "object",
      fields: own.names.map((name, i) => ({ name, value: valueOfShape(own.items[i]) })),
    };
  };
  const fields = shape.names.map((name, i): JsonlField => {
    const own = shape.items[i];
    const value = chosen.includes(name)
      ? valueOfShape(own)
      : { kind: "skipped" as const, isText: own.kind === "string" };
    return { name, value };
  });
  if (!fields.every(isPlain)) return undefined;
  const columns = chosen.map((name) => ({ name, value: fields.find((field) => field.name === name)?.value }));
  return { fields, columns };
}

function chosenNames(names: readonly string[], { columns, wanted }: JsonlChoice): readonly string[] {
  const chosen = [...new Set(wanted ?? columns ?? names)];
  return chosen.filter((name) => (columns ?? names).includes(name));
}

function leafKind({ kind }: Shape): JsonlLeaf["kind"] {
  return kind === "number" || kind === "string" || kind === "boolean" || kind === "null" ? kind : "json";
}

function isPlain({ name, value }: JsonlField): boolean {
  if (!PLAIN_NAME.test(name) || !name.isWellFormed()) return false;
  return value.kind !== "object" || value.fields.every(isPlain);
}

/** Tells whether a row that was read in another way is one of the shape. */
export function fitsShape(shape: JsonlShape, row: unknown): boolean {
  return fitsAll(shape.columns, row);
}

function fitsAll(fields: JsonlShape["columns"], row: unknown): boolean {
  if (typeof row !== "object" || row === null || Array.isArray(row)) return false;
  const entries = Object.entries(row);
  if (entries.length !== fields.length) return false;
  return entries.every(([name, value], i) => name === fields[i].name && fits(fields[i].value, value));
}

function fits(shape: JsonlValue | undefined, value: unknown): boolean {
  switch (shape?.kind) {
    case undefined:
      return value === undefined;
    case "skipped":
      return true;
    case "json":
      return value !== undefined;
    case "object":
      return fitsAll(shape.fields, value);
    case "string":
      return value === null || (typeof value === "string" && value.isWellFormed());
    default:
      return value === null || typeof value === shape?.kind;
  }
}
