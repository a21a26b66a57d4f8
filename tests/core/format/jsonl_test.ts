/** Tests of JSON lines of which only some properties are wanted. */
import { expect, test } from "bun:test";
import { columnOf } from "../../../core/batch/make.ts";
import { type JsonlOptions, parseJsonLines } from "../../../core/format/jsonl.ts";

function parse(lines: readonly string[], options: Pick<JsonlOptions, "columns" | "wanted">) {
  const column = columnOf(lines);
  if (column.kind !== "string") throw new Error(`Cannot parse lines: they are a column of ${column.kind}`);
  const rows: unknown[] = [];
  const malformed: string[] = [];
  parseJsonLines(column, {
    ...options,
    onRow: (row) => rows.push(row),
    onMalformed: ({ line, reason }) => malformed.push(`${line}: ${reason}`),
  });
  return { rows, malformed };
}

const LINES = ['{"a":1,"b":2,"c":3}', '{"b":4}', "5", "[6]"];

test("parseJsonLines() keeps only wanted properties, and rows without them as they are", () => {
  expect(parse(LINES, { wanted: ["a", "z"] })).toEqual({ rows: [{ a: 1 }, {}, 5, [6]], malformed: [] });
  expect(parse(LINES, { wanted: [] })).toEqual({ rows: [{}, {}, 5, [6]], malformed: [] });
});

test("parseJsonLines() gives every row the declared properties that are wanted", () => {
  const malformed = ["2: it is not an object", "3: it is not an object"];
  expect(parse(LINES, { columns: ["a", "b"], wanted: ["a", "c"] })).toEqual({
    rows: [{ a: 1 }, { a: undefined }],
    malformed,
  });
  expect(parse(LINES, { columns: ["a", "b"] }).rows).toEqual([
    { a: 1, b: 2 },
    { a: undefined, b: 4 },
  ]);
});

test("parseJsonLines() refuses lines that are right only when they are joined", () => {
  const wrong = ["[1,[2]", "[3]]", "{},{}"];
  const { rows, malformed } = parse(['{"a":1}', ...wrong, '{"a":2}'], {});
  expect(rows).toEqual([{ a: 1 }, { a: 2 }]);
  expect(malformed).toHaveLength(3);
  // The mark between the lines as data: read line by line, so it is data like any other.
  const mark = '{"a":"~ luciole line ~"}';
  expect(parse([mark, mark], {}).rows).toEqual([JSON.parse(mark), JSON.parse(mark)]);
  expect(parse(["[1,[2]", "[3]]", '{},"~ luciole line ~",{}'], {}).malformed).toHaveLength(3);
});
