/**
 * The one stable hash of keys: the same on every host and in every kind of column.
 *
 * Each type has its seed. Arrays and objects hash the hashes of what is in them, so
 * columns are hashed part by part. Changing anything here moves keys between partitions.
 */
import type { Column } from "../batch/column.ts";
import { isPresent } from "../batch/column.ts";
import { rankOf, sortedNames } from "./compare.ts";
import { finishHash, hashBytes, hashRuns, hashString, mixWord } from "./murmur.ts";

/** Strings have seed 0, so their hash is plain murmur3 of their UTF-8 bytes. */
const SEED = { number: 1, bigint: 2, date: 3, bytes: 4, array: 5, object: 6 } as const;
const HASH_OF = {
  undefined: 0x9e3779b9,
  null: 0x7f4a7c15,
  true: 0xf39cc060,
  false: 0x5ced1a5d,
} as const;

const FLOAT = new Float64Array(1);
const WORDS = new Int32Array(FLOAT.buffer);

/** Hashes a key to unsigned 32 bits. @throws {TypeError} If it is no key. */
export function hashValue(value: unknown): number {
  switch (typeof value) {
    case "string":
      return hashString(value, 0);
    case "number":
      return hashNumber(value);
    case "boolean":
      return value ? HASH_OF.true : HASH_OF.false;
    case "bigint":
      return hashString(value.toString(), SEED.bigint);
    case "undefined":
      return HASH_OF.undefined;
    default:
      return value === null ? HASH_OF.null : hashObject(value);
  }
}

function hashObject(value: unknown): number {
  rankOf(value);
  if (Array.isArray(value)) return hashArray(Array.from(value, hashValue));
  if (value instanceof Date) return hashDouble(value.getTime(), SEED.date);
  if (value instanceof Uint8Array) return hashBytes(value, 0, value.length, SEED.bytes);
  const object = value as Readonly<Record<string, unknown>>;
  const names = sortedNames(Object.keys(object));
  let hash: number = SEED.object;
  for (const name of names) hash = mixWord(mixWord(hash, hashString(name, 0)), hashValue(object[name]));
  return finishHash(hash, names.length);
}

/** Hashes an array, given the hashes of its items. */
export function hashArray(items: readonly number[]): number {
  let hash: number = SEED.array;
  for (const item of items) hash = mixWord(hash, item);
  return finishHash(hash, items.length);
}

/** Hashes a number; equal to hashValue of it. */
export function hashNumber(value: number): number {
  return hashDouble(value, SEED.number);
}

/** Hashes many numbers; equal to hashNumber of each. */
export function hashNumbers(values: Float64Array, rows: number, out: Uint32Array): void {
  for (let i = 0; i < rows; i++) out[i] = hashDouble(values[i], SEED.number);
}

function hashDouble(value: number, seed: number): number {
  // Adding 0 makes -0 to 0; every NaN gets the same bits.
  FLOAT[0] = Number.isNaN(value) ? Number.NaN : value + 0;
  return finishHash(mixWord(mixWord(seed, WORDS[0]), WORDS[1]), 8);
}

/** Hashes every row of a column; equal to hashValue of each row. */
export function hashColumn(column: Column, out: Uint32Array = new Uint32Array(column.length)): Uint32Array {
  hashPresent(column, out);
  if (column.kind !== "null" && column.validity !== undefined) {
    const absent = column.absent === "null" ? HASH_OF.null : HASH_OF.undefined;
    for (let i = 0; i < column.length; i++) if (!isPresent(column, i)) out[i] = absent;
  }
  return out;
}

function hashPresent(column: Column, out: Uint32Array): void {
  const length = column.length;
  switch (column.kind) {
    case "null":
      out.fill(column.absent === "null" ? HASH_OF.null : HASH_OF.undefined, 0, length);
      return;
    case "number":
      hashNumbers(column.values, length, out);
      return;
    case "date":
      for (let i = 0; i < length; i++) out[i] = hashDouble(column.values[i], SEED.date);
      return;
    case "boolean":
      for (let i = 0; i < length; i++) {
        out[i] = (column.bits[i >> 3] & (1 << (i & 7))) !== 0 ? HASH_OF.true : HASH_OF.false;
      }
      return;
    case "string":
    case "bytes":
      hashRuns(
        column.bytes,
        column.offsets.subarray(0, length + 1),
        column.kind === "string" ? 0 : SEED.bytes,
        out,
      );
      return;
    case "any":
      for (let i = 0; i < length; i++) if (isPresent(column, i)) out[i] = hashValue(column.values[i]);
      return;
    case "tuple":
      hashFields(column.columns, [], length, out);
      return;
    case "object":
      hashObjects(column.names, column.columns, length, out);
      return;
    case "list":
      hashLists(column.items, column.offsets, length, out);
  }
}

function hashObjects(
  names: readonly string[],
  columns: readonly Column[],
  length: number,
  out: Uint32Array,
): void {
  const sorted = sortedNames(names);
  const inOrder = sorted.map((name) => columns[names.indexOf(name)]);
  hashFields(inOrder, sorted, length, out);
}

/** Hashes rows of several columns; with names, each value follows the hash of its name. */
function hashFields(
  columns: readonly Column[],
  names: readonly string[],
  length: number,
  out: Uint32Array,
): void {
  const running = new Int32Array(length).fill(
    names.length === 0 && columns.length > 0 ? SEED.array : SEED.object,
  );
  const hashes = new Uint32Array(length);
  for (let k = 0; k < columns.length; k++) {
    hashColumn(columns[k], hashes);
    const name = names.length === 0 ? undefined : hashString(names[k], 0);
    for (let i = 0; i < length; i++) {
      const before = name === undefined ? running[i] : mixWord(running[i], name);
      running[i] = mixWord(before, hashes[i]);
    }
  }
  for (let i = 0; i < length; i++) out[i] = finishHash(running[i], columns.length);
}

function hashLists(items: Column, offsets: Uint32Array, length: number, out: Uint32Array): void {
  const hashes = hashColumn(items);
  for (let i = 0; i < length; i++) {
    let hash: number = SEED.array;
    for (let k = offsets[i]; k < offsets[i + 1]; k++) hash = mixWord(hash, hashes[k]);
    out[i] = finishHash(hash, offsets[i + 1] - offsets[i]);
  }
}
