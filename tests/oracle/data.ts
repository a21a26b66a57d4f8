/**
 * Random rows and keys for the oracle tests, and how they lie in shards.
 */
import fc from "fast-check";
import type { FlowBuilder } from "../../core/graph/builder.ts";
import type { Dataset } from "../../core/graph/dataset.ts";
import type { Row } from "../../core/graph/row_types.ts";

/** The rows of each shard; some shards are empty. */
export type Parts<T> = readonly (readonly T[])[];

/** Rows dealt at random over a number of shards. */
export function partsOf<T>(row: fc.Arbitrary<T>, shards: number, maxRows = 60): fc.Arbitrary<Parts<T>> {
  return fc.array(fc.tuple(fc.nat(shards - 1), row), { maxLength: maxRows, size: "max" }).map((placed) => {
    const parts: T[][] = Array.from({ length: shards }, () => []);
    for (const [shard, value] of placed) parts[shard].push(value);
    return parts;
  });
}

/** A dataset whose shards hold exactly these rows. */
export function datasetOf<T extends Row>(f: FlowBuilder, parts: Parts<T>): Dataset<T> {
  return f.generate(parts.length, (shard) => parts[shard]);
}

const texts = fc.oneof(
  fc.constantFrom("", "a", "b", "été", "日本", "😀", "ｚ", "__proto__", "constructor", "0", "a\u0000b"),
  fc.string({ maxLength: 3 }),
);

/** Keys of every kind that may be one (G3), each kind drawn so that equal ones meet. */
export const KEYS: Readonly<Record<string, fc.Arbitrary<Row>>> = {
  "negative and fractional numbers": fc.oneof(
    fc.integer({ min: -6, max: 6 }),
    fc.integer({ min: -9, max: 9 }).map((n) => n / 4),
    fc.constantFrom(-1e300, 5e-324, 2 ** 53, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
  ),
  "NaN and -0": fc.constantFrom(Number.NaN, -0, 0, 1, -1),
  "null, undefined and booleans": fc.constantFrom(null, undefined, true, false),
  bigints: fc.constantFrom(0n, 1n, -1n, 2n ** 64n, -(2n ** 64n), 2n ** 70n, 10n),
  dates: fc.constantFrom(0, -1, 86_400_000, 1.7e12, Number.NaN).map((time) => new Date(time)),
  "strings, empty and non-ASCII": texts,
  tuples: fc.tuple(texts, fc.oneof(fc.integer({ min: -1, max: 1 }), fc.constant(null))),
  objects: fc
    .tuple(fc.integer({ min: 0, max: 2 }), fc.constantFrom("x", "y"), fc.boolean())
    .map(([a, b, isTurned]) => (isTurned ? { b, a } : { a, b })),
  "all kinds at once": fc.oneof(
    texts,
    fc.constantFrom(0, -0, 1, 1n, 0n, "0", "1", true, null, undefined, Number.NaN, "NaN", "null"),
    fc.constantFrom([], [0], [null], ["a", [1n]], {}, { a: 1 }, { a: [true] }),
    fc.constantFrom(0, 1).map((time) => new Date(time)),
  ),
  "skewed keys": fc.oneof(
    { arbitrary: fc.constant("hot"), weight: 30 },
    { arbitrary: fc.integer({ min: 0, max: 5 }).map((n) => `cold ${n}`), weight: 1 },
  ),
  "one key": fc.constant("only"),
};

/** Any key, each dataset of one kind. */
export const anyKind: fc.Arbitrary<fc.Arbitrary<Row>> = fc.constantFrom(...Object.values(KEYS));

export const value = fc.integer({ min: -1000, max: 1000 });

/** Pairs of one kind of key. */
export function pairParts(shards: number, key?: fc.Arbitrary<Row>): fc.Arbitrary<Parts<[Row, number]>> {
  if (key !== undefined) return partsOf(fc.tuple(key, value), shards);
  return anyKind.chain((kind) => partsOf(fc.tuple(kind, value), shards));
}

/** Rows of any kind; most datasets have rows of one. */
export const anyRows = (shards: number): fc.Arbitrary<Parts<Row>> =>
  fc
    .oneof(
      anyKind,
      fc.constant(fc.double()),
      fc.constant(fc.tuple(texts, fc.double(), fc.option(fc.boolean()))),
      fc.constant(fc.record({ id: fc.integer(), tags: fc.array(texts, { maxLength: 3 }) })),
      fc.constant(fc.uint8Array({ maxLength: 4 })),
    )
    .chain((row: fc.Arbitrary<Row>) => partsOf(row, shards));
