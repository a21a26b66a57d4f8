/** Tests of columns of keys: texts of all kinds, and whatever else closures give. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { keyColumnOf } from "../../../../core/exec/sort/key_texts.ts";
import { exactly, rowsOf } from "../../batch/values.ts";
import { keyLists } from "./arbitrary_keys.ts";

const texts = fc.array(
  fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.string({ unit: "binary", maxLength: 5 }),
    fc.constantFrom("", "\ud83d", "\ude00", "x\ud83d", "\ude00x", "😀", "é", "\u0000", "\uffff"),
  ),
  { maxLength: 40 },
);

function read(keys: readonly unknown[]): string[] {
  const asked: number[] = [];
  const column = keyColumnOf(keys.length, (i) => {
    asked.push(i);
    return keys[i];
  });
  expect(asked).toEqual([...keys.keys()]);
  expect(column.length).toBe(keys.length);
  return rowsOf({ rows: column.length, column }).map(exactly);
}

test("keyColumnOf() keeps every key when keys are texts, alone surrogates among them", () => {
  fc.assert(
    fc.property(texts, (keys) => expect(read(keys)).toEqual(keys.map(exactly))),
    { numRuns: 1000 },
  );
});

test("keyColumnOf() keeps every key when keys are of any kind, some after texts", () => {
  fc.assert(
    fc.property(texts, keyLists, (some, others) => {
      const keys = [...some, ...others];
      expect(read(keys)).toEqual(keys.map(exactly));
    }),
    { numRuns: 300 },
  );
});

test("keyColumnOf() keeps texts that are too long to be strung together", () => {
  const long = "x".repeat(40 << 20);
  const column = keyColumnOf(3, (i) => (i === 1 ? "é" : long));
  if (column.kind !== "string") throw new Error("expected texts");
  expect([...column.offsets]).toEqual([0, 40 << 20, (40 << 20) + 2, (80 << 20) + 2]);
});
