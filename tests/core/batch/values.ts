/**
 * What the tests of batches and keys share: arbitrary rows, codec ports and exact comparison.
 */
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { BatchBuilder } from "../../../core/batch/batch_builder.ts";
import type { Batch } from "../../../core/batch/column.ts";
import type { CodecPorts } from "../../../core/batch/ports.ts";
import { rowReader } from "../../../core/batch/row_reader.ts";
import { valueCodec } from "../../../net/cbor.ts";

export const PORTS: CodecPorts = { values: valueCodec, checksum: (bytes) => crc32(bytes) };

const scalar = fc.oneof(
  fc.constantFrom(null, undefined, true, false, 0, -0, Number.NaN, Number.POSITIVE_INFINITY),
  fc.double(),
  fc.integer(),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.string({ unit: "grapheme-ascii", maxLength: 80 }),
  fc.constantFrom("", "\ud800", "a\udc00b", "\ufffd", "\ufeffx", "é", "😀", "\uffff", "\\ud800"),
  fc.date({ noInvalidDate: false }),
  fc.uint8Array({ maxLength: 9 }),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
);

const name = fc.oneof(
  fc.constantFrom("a", "b", "c", "10", "__proto__", "é", ""),
  fc.string({ maxLength: 4 }),
);

/** Builds an object that really owns its properties, "__proto__" too. */
function ownObject(entries: readonly (readonly [string, unknown])[]): object {
  const object = {};
  for (const [key, value] of entries) {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  }
  return object;
}

/** Any key: what has a place in the order of values. */
export const arbitraryKey: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    { arbitrary: scalar, weight: 4 },
    { arbitrary: fc.array(tie("value"), { maxLength: 4 }), weight: 1 },
    { arbitrary: fc.array(fc.tuple(name, tie("value")), { maxLength: 3 }).map(ownObject), weight: 1 },
  ),
})).value;

/** Any one row. */
export const arbitraryValue: fc.Arbitrary<unknown> = fc.oneof(
  { arbitrary: arbitraryKey, weight: 8 },
  { arbitrary: fc.array(arbitraryKey, { maxLength: 20 }), weight: 1 },
  {
    arbitrary: fc.array(fc.tuple(arbitraryKey, arbitraryKey), { maxLength: 3 }).map((all) => new Map(all)),
    weight: 1,
  },
  { arbitrary: fc.array(arbitraryKey, { maxLength: 3 }).map((all) => new Set(all)), weight: 1 },
);

const number = fc.oneof(fc.double(), fc.constantFrom(0, -0, Number.NaN, 1, 2));
const text = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom("", "a", "é"),
);
const day = fc.date({ noInvalidDate: false });

/** Rows that mostly have one shape, as those of a dataset have. */
export const arbitraryRows: fc.Arbitrary<readonly unknown[]> = fc.oneof(
  ...[
    arbitraryValue,
    number,
    text,
    fc.boolean(),
    day,
    fc.option(number),
    fc.option(text, { nil: undefined }),
    fc.option(fc.boolean()),
    fc.option(day),
    fc.uint8Array({ maxLength: 5 }),
    fc.tuple(text, number),
    fc.option(
      fc.tuple(
        fc.option(text),
        fc.option(fc.boolean(), { nil: undefined }),
        fc.array(number, { maxLength: 4 }),
      ),
    ),
    fc.array(text, { maxLength: 20 }),
    fc.option(fc.array(fc.tuple(text, fc.option(number)), { maxLength: 3 })),
    fc.array(fc.array(number, { maxLength: 3 }), { maxLength: 3 }),
    fc.record({ a: number, b: fc.option(text), c: fc.array(day, { maxLength: 2 }) }),
    fc.option(fc.record({ a: number, b: text }, { requiredKeys: ["a"] })),
    fc.tuple(text, fc.record({ x: fc.record({ y: fc.option(number) }) })),
    fc.tuple(arbitraryValue, number),
  ].map((row: fc.Arbitrary<unknown>) => fc.array(row, { maxLength: 30 })),
);

/** A text that is the same exactly for values that cannot be told apart. */
export function exactly(value: unknown): string {
  if (typeof value === "number") return Object.is(value, -0) ? "-0" : String(value);
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(exactly).join(",")}]`;
  if (value instanceof Date) return `Date(${value.getTime()})`;
  if (value instanceof Uint8Array) return `Bytes(${value.join(",")})`;
  if (value instanceof Map) return `Map(${[...value].map(exactly).join(",")})`;
  if (value instanceof Set) return `Set(${[...value].map(exactly).join(",")})`;
  return `{${Object.entries(value)
    .map(([key, each]) => `${JSON.stringify(key)}:${exactly(each)}`)
    .join(",")}}`;
}

/** Builds batches of rows. */
export function batchesOf(rows: readonly unknown[], maxRows = 65536): Batch[] {
  const batches: Batch[] = [];
  const builder = new BatchBuilder({ maxRows, onBatch: (batch) => batches.push(batch) });
  for (const row of rows) builder.append(row);
  builder.flush();
  return batches;
}

/** Reads all rows of a batch. */
export function rowsOf(batch: Batch): unknown[] {
  const read = rowReader(batch.column);
  return Array.from({ length: batch.rows }, (_, i) => read(i));
}
