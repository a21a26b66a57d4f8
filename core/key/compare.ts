/**
 * The one total order of values, and their equality; docs/internals.md says it in words.
 *
 * Columns are compared elsewhere; everything that compares must agree with this file.
 */

/** Places of the types in the order. */
export const RANK = {
  undefined: 0,
  null: 1,
  boolean: 2,
  number: 3,
  bigint: 4,
  string: 5,
  date: 6,
  bytes: 7,
  array: 8,
  object: 9,
} as const;

/** The place of a value's type in the order. @throws {TypeError} If it is no key. */
export function rankOf(value: unknown): number {
  switch (typeof value) {
    case "undefined":
    case "boolean":
    case "number":
    case "bigint":
    case "string":
      return RANK[typeof value as "undefined"];
    case "object":
      return value === null ? RANK.null : rankOfObject(value);
    default:
      throw new TypeError(`Cannot use a value as a key: it is a ${typeof value}`);
  }
}

function rankOfObject(value: object): number {
  if (Array.isArray(value)) return RANK.array;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return RANK.object;
  if (value instanceof Date) return RANK.date;
  if (value instanceof Uint8Array) return RANK.bytes;
  throw new TypeError(`Cannot use a value as a key: it is a ${value.constructor?.name ?? "class instance"}`);
}

/** Orders any two keys: negative when a comes first, 0 when they are equal. */
export function compareValues(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return compareNumbers(a, b);
  if (typeof a === "string" && typeof b === "string") return compareStrings(a, b);
  const rank = rankOf(a);
  const other = rankOf(b);
  if (rank !== other) return rank - other;
  if (typeof a === "boolean" && typeof b === "boolean") return Number(a) - Number(b);
  if (typeof a === "bigint" && typeof b === "bigint") return a < b ? -1 : a > b ? 1 : 0;
  return rank <= RANK.null ? 0 : compareObjects(a as object, b as object);
}

/** Tells whether two keys are equal. */
export function equalValues(a: unknown, b: unknown): boolean {
  return a === b || compareValues(a, b) === 0;
}

/** By value; NaN last, -0 equal to 0. */
export function compareNumbers(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  return a === b ? 0 : Number(Number.isNaN(a)) - Number(Number.isNaN(b));
}

/** By code point, which is the order of the UTF-8 bytes. */
function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return x >= 0xd800 && y >= 0xd800 ? codePointOrder(x) - codePointOrder(y) : x - y;
  }
  return a.length - b.length;
}

/** Moves surrogates, which stand for the highest code points, behind U+E000 … U+FFFF. */
function codePointOrder(unit: number): number {
  return unit >= 0xe000 ? unit - 0x2000 : unit + 0x2000;
}

/** By the bytes, then by length. */
function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a[i] !== b[i]) return a[i] - b[i];
  }
  return a.length - b.length;
}

function compareObjects(a: object, b: object): number {
  if (Array.isArray(a) && Array.isArray(b)) return compareArrays(a, b);
  if (a instanceof Date && b instanceof Date) return compareNumbers(a.getTime(), b.getTime());
  if (a instanceof Uint8Array && b instanceof Uint8Array) return compareBytes(a, b);
  return compareEntries(a as Readonly<Record<string, unknown>>, b as Readonly<Record<string, unknown>>);
}

function compareArrays(a: readonly unknown[], b: readonly unknown[]): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const order = compareValues(a[i], b[i]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** The names of an object in the order in which its entries are compared and hashed. */
export function sortedNames(names: readonly string[]): readonly string[] {
  return [...names].sort(compareStrings);
}

function compareEntries(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): number {
  const namesA = sortedNames(Object.keys(a));
  const namesB = sortedNames(Object.keys(b));
  const length = Math.min(namesA.length, namesB.length);
  for (let i = 0; i < length; i++) {
    const order = compareStrings(namesA[i], namesB[i]) || compareValues(a[namesA[i]], b[namesB[i]]);
    if (order !== 0) return order;
  }
  return namesA.length - namesB.length;
}
