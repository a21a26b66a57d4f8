/** Tables on terminals of any width. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { type Column, formatTable } from "../../cmd/table.ts";

type Row = readonly [string, number];
const COLUMNS: readonly Column<Row>[] = [
  { title: "NAME", text: ([name]) => name, least: 6 },
  { title: "N", text: ([, n]) => String(n), isRight: true },
];

test("formatTable() aligns columns and leaves nothing behind a line", () => {
  expect(
    formatTable(
      COLUMNS,
      [
        ["a", 1],
        ["long-name", 100],
      ],
      80,
    ),
  ).toBe("NAME         N\na            1\nlong-name  100");
});

test("formatTable() cuts what may be cut, and says so", () => {
  expect(formatTable(COLUMNS, [["a-very-long-name", 7]], 12)).toBe("NAME       N\na-very-l…  7");
});

test("formatTable() cuts no further than it may", () => {
  expect(formatTable(COLUMNS, [["a-very-long-name", 7]], 3)).toBe("NAME    N\na-ver…  7");
});

test("formatTable() keeps to the width, as far as the columns can be cut", () => {
  const row = fc.tuple(
    fc.string({ maxLength: 40 }).map((text) => text.replace(/\s/g, "_")),
    fc.nat(999),
  );
  fc.assert(
    fc.property(fc.array(row), fc.integer({ min: 11, max: 60 }), (rows, width) => {
      for (const line of formatTable(COLUMNS, rows, width).split("\n"))
        expect([...line].length).toBeLessThanOrEqual(width);
    }),
  );
});
