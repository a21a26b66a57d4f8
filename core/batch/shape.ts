/**
 * Shapes: which column a set of values fits in, as a lattice that only widens.
 *
 * "none" is its bottom (nothing seen yet), "any" its top. A shape knows nothing of
 * buffers; two columns of one shape are read and written by the same generated code.
 */
import type { Absent, Column } from "./column.ts";

type LeafKind = "number" | "date" | "boolean" | "string" | "bytes";

export type Shape =
  | { readonly kind: "none" }
  | { readonly kind: "null"; readonly absent: Absent }
  | { readonly kind: LeafKind; readonly absent?: Absent }
  | { readonly kind: "tuple"; readonly items: readonly Shape[]; readonly absent?: Absent }
  | {
      readonly kind: "object";
      readonly names: readonly string[];
      readonly items: readonly Shape[];
      readonly absent?: Absent;
    }
  | { readonly kind: "list"; readonly item: Shape; readonly absent?: Absent }
  | { readonly kind: "any"; readonly absent?: Absent };

export const NONE: Shape = { kind: "none" };
const ANY: Shape = { kind: "any" };

const MAX_TUPLE = 16;
/** Wide objects become `any`: one generated statement for each name must stay compilable. */
const MAX_NAMES = 256;
const MAX_DEPTH = 8;

/** Tells whether a value is an object without a class. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** The narrowest shape of one value that can be stored. */
export function shapeOf(value: unknown, depth = 0): Shape {
  switch (typeof value) {
    case "number":
    case "boolean":
      return { kind: typeof value as LeafKind };
    case "string":
      return value.isWellFormed() ? { kind: "string" } : ANY;
    case "undefined":
      return { kind: "null", absent: "undefined" };
    case "object":
      return value === null ? { kind: "null", absent: "null" } : objectShape(value, depth);
    default:
      return ANY;
  }
}

function objectShape(value: object, depth: number): Shape {
  if (depth >= MAX_DEPTH) return ANY;
  if (Array.isArray(value)) return arrayShape(value, depth);
  if (value instanceof Date) return { kind: "date" };
  if (value instanceof Uint8Array) return { kind: "bytes" };
  if (!isPlainObject(value)) return ANY;
  const entries = Object.entries(value);
  if (entries.length > MAX_NAMES || !entries.every(([name]) => name.isWellFormed())) return ANY;
  return {
    kind: "object",
    names: entries.map(([name]) => name),
    items: entries.map(([, item]) => shapeOf(item, depth + 1)),
  };
}

function arrayShape(value: readonly unknown[], depth: number): Shape {
  if (value.length >= 1 && value.length <= MAX_TUPLE) {
    return { kind: "tuple", items: Array.from(value, (item) => shapeOf(item, depth + 1)) };
  }
  let item = NONE;
  for (const each of value) {
    const own = shapeOf(each, depth + 1);
    item = widen(item, own);
    if (item.kind === "any" && own.kind !== "any") return ANY;
  }
  return { kind: "list", item };
}

/** The narrowest shape that holds what either holds. */
export function widen(a: Shape, b: Shape): Shape {
  if (a.kind === "none") return b;
  if (b.kind === "none") return a;
  if (a.kind === "any" || b.kind === "any") return ANY;
  if (a.absent !== undefined && b.absent !== undefined && a.absent !== b.absent) return ANY;
  if (a.kind === "null") return b.absent === undefined ? { ...b, absent: a.absent } : b;
  if (b.kind === "null") return a.absent === undefined ? { ...a, absent: b.absent } : a;
  const absent = a.absent ?? b.absent;
  if (a.kind === "tuple" && b.kind === "tuple" && a.items.length === b.items.length) {
    return { kind: "tuple", items: a.items.map((item, i) => widen(item, b.items[i])), absent };
  }
  if ((a.kind === "tuple" || a.kind === "list") && (b.kind === "tuple" || b.kind === "list")) {
    return widenLists(a, b, absent);
  }
  if (a.kind === "object" && b.kind === "object") {
    if (a.names.length !== b.names.length || a.names.some((name, i) => name !== b.names[i])) return ANY;
    return {
      kind: "object",
      names: a.names,
      items: a.items.map((item, i) => widen(item, b.items[i])),
      absent,
    };
  }
  return a.kind === b.kind ? { ...a, absent } : ANY;
}

type ArrayShape = Extract<Shape, { kind: "tuple" | "list" }>;

function widenLists(a: ArrayShape, b: ArrayShape, absent: Absent | undefined): Shape {
  const places = [a, b].flatMap((side) => (side.kind === "list" ? [side.item] : side.items));
  const item = places.reduce(widen, NONE);
  // Lists of things that have no common shape gain nothing over plain values.
  if (item.kind === "any" && places.some((place) => place.kind !== "any" && place.kind !== "none"))
    return ANY;
  return { kind: "list", item, absent };
}

/** The shape that a column has. */
export function shapeOfColumn(column: Column): Shape {
  const absent = column.validity === undefined ? undefined : column.absent;
  switch (column.kind) {
    case "null":
      return column.length === 0 ? NONE : { kind: "null", absent: column.absent };
    case "tuple":
      return { kind: "tuple", items: column.columns.map(shapeOfColumn), absent };
    case "object":
      return { kind: "object", names: column.names, items: column.columns.map(shapeOfColumn), absent };
    case "list":
      return { kind: "list", item: shapeOfColumn(column.items), absent };
    default:
      return { kind: column.kind, absent };
  }
}

const CODES = { number: "n", date: "d", boolean: "b", string: "s", bytes: "y", any: "a", none: "0" } as const;

/** A text that is the same exactly for equal shapes. */
export function shapeKey(shape: Shape): string {
  if (shape.kind === "none") return CODES.none;
  const mark = shape.absent === undefined ? "" : shape.absent === "null" ? "?" : "!";
  switch (shape.kind) {
    case "null":
      return `z${mark}`;
    case "tuple":
      return `(${shape.items.map(shapeKey).join("")})${mark}`;
    case "object":
      return `{${shape.names.map((name, i) => JSON.stringify(name) + shapeKey(shape.items[i])).join("")}}${mark}`;
    case "list":
      return `[${shapeKey(shape.item)}]${mark}`;
    default:
      return CODES[shape.kind] + mark;
  }
}
