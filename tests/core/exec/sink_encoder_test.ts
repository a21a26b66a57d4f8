/** What sinks write, format by format, and the rows that they refuse. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Batch, Column } from "../../../core/batch/column.ts";
import { columnOf } from "../../../core/batch/make.ts";
import { TaskError } from "../../../core/errors.ts";
import { createSinkEncoder } from "../../../core/exec/sink_encoder.ts";
import type { SinkFormat } from "../../../core/graph/node.ts";
import { nodeFor, scopeFor } from "../../net/source/task_scope.ts";

function encode(format: SinkFormat, rows: readonly unknown[], how: "rows" | "batch" = "rows") {
  const spec = { kind: "sink", path: "out", format, isSingle: false, overwrite: false } as const;
  const scope = scopeFor(spec);
  const pieces: Uint8Array[] = [];
  const encoder = createSinkEncoder(scope, nodeFor(spec), { write: (bytes) => pieces.push(bytes) });
  if (how === "rows") for (const row of rows) encoder.row(row);
  else encoder.batch(batchOf(columnOf(rows)));
  encoder.finish();
  return { text: Buffer.concat(pieces).toString(), rowsOut: scope.totals.rowsOut };
}

const batchOf = (column: Column): Batch => ({ rows: column.length, column });
const csv = (more: Partial<SinkFormat & { kind: "csv" }> = {}) =>
  ({ kind: "csv", header: true, delimiter: ",", ...more }) as const;

function messageOf(format: SinkFormat, rows: readonly unknown[]): string {
  try {
    encode(format, rows);
  } catch (error) {
    if (error instanceof TaskError) return error.message;
    throw error;
  }
  throw new Error("expected the rows to be refused");
}

const TEXT = {
  kind: "sink",
  path: "o",
  format: { kind: "text" },
  isSingle: false,
  overwrite: false,
} as const;

describe("text", () => {
  test.each(["rows", "batch"] as const)("writes strings as lines when they come as %s", (how) => {
    const rows = ["a", "", "é🙂", "x".repeat(100)];
    expect(encode({ kind: "text" }, rows, how)).toEqual({ text: `${rows.join("\n")}\n`, rowsOut: 4 });
  });

  test("writes rows and batches in the order in which they come", () => {
    const pieces: Uint8Array[] = [];
    const encoder = createSinkEncoder(scopeFor(TEXT), nodeFor(TEXT), {
      write: (bytes) => pieces.push(bytes),
    });
    encoder.row("1");
    encoder.batch(batchOf(columnOf(["2", "3"])));
    encoder.row("4");
    encoder.finish();
    expect(Buffer.concat(pieces).toString()).toBe("1\n2\n3\n4\n");
  });

  test("writes part of a column whose bytes do not begin at 0", () => {
    const bytes = Buffer.from("xxabcyy");
    const column = { kind: "string", length: 2, offsets: Uint32Array.of(2, 3, 5), bytes } as const;
    const pieces: Uint8Array[] = [];
    const encoder = createSinkEncoder(scopeFor(TEXT), nodeFor(TEXT), { write: (part) => pieces.push(part) });
    encoder.batch(batchOf(column));
    encoder.finish();
    expect(Buffer.concat(pieces).toString()).toBe("a\nbc\n");
  });

  test("uses the line function", () => {
    const line = ([word, n]: [string, number]) => `${n}\t${word}`;
    for (const how of ["rows", "batch"] as const) {
      expect(
        encode(
          { kind: "text", line },
          [
            ["a", 1],
            ["b", 2],
          ],
          how,
        ).text,
      ).toBe("1\ta\n2\tb\n");
    }
  });

  test("refuses rows that are no strings, naming the row and what to do", () => {
    expect(messageOf({ kind: "text" }, ["a", 5])).toContain(
      "row 1: the row is of type number, not a string; pass a function",
    );
    expect(messageOf({ kind: "text" }, [null])).toContain("the row is null");
    expect(messageOf({ kind: "text", line: () => 7 }, ["a"])).toContain("the line function returned 7");
  });
});

describe("csv", () => {
  test("writes a header, quotes where needed, and leaves absent values empty", () => {
    const rows = [
      { a: 'say "hi"', b: 1.5, c: null, d: new Date(0) },
      { a: "x,y\n", b: -0, c: undefined, d: new Date(Number.NaN) },
      { a: "", b: 10n, c: true, d: "plain" },
    ];
    for (const how of ["rows", "batch"] as const) {
      expect(encode(csv(), rows, how).text).toBe(
        'a,b,c,d\n"say ""hi""",1.5,,1970-01-01T00:00:00.000Z\n"x,y\n",0,,\n,10,true,plain\n',
      );
    }
  });

  test("writes columns of strings and numbers as it writes their rows, mixed with others, whatever they hold", () => {
    const text = fc.string({
      unit: fc.constantFrom("a", "é", '"', ",", "\t", ";", "\n", "\r", " ", "7"),
      maxLength: 6,
    });
    const number = fc.oneof(
      fc.integer(),
      fc.double(),
      fc.constantFrom(0, -0, -7, 2 ** 31, -(2 ** 31), 1e21, 1e-7, Number.NaN, Number.NEGATIVE_INFINITY),
    );
    const pairs = fc.array(fc.tuple(text, number), { minLength: 1 });
    const records = fc.array(fc.record({ a: number, b: text, c: number }), { minLength: 1 });
    const singles = fc.array(fc.record({ a: fc.constantFrom("", "x", ",") }), { minLength: 1 });
    const delimiter = fc.constantFrom(",", ";", "\t", "|", "7", ".");
    const columns = fc.constantFrom(undefined, ["b"], ["c", "a", "z"], ["b", "a"]);
    const format = fc.record({ delimiter, columns, header: fc.boolean() });
    fc.assert(
      fc.property(
        fc.oneof(pairs, records, singles),
        format,
        fc.nat(3),
        (rows, { columns: names, ...more }, cut) => {
          const isArray = Array.isArray(rows[0]);
          const how = csv(names === undefined || isArray ? more : { ...more, columns: names });
          const spec = { kind: "sink", path: "o", format: how, isSingle: false, overwrite: false } as const;
          const pieces: Uint8Array[] = [];
          const encoder = createSinkEncoder(scopeFor(spec), nodeFor(spec), {
            write: (part) => pieces.push(part),
          });
          const first = rows.slice(0, cut);
          if (cut % 2 === 0) for (const row of first) encoder.row(row);
          else encoder.batch(batchOf(columnOf(first)));
          encoder.batch(batchOf(columnOf(rows.slice(cut))));
          encoder.finish();
          expect(Buffer.concat(pieces).toString()).toBe(encode(how, rows, "rows").text);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test("writes arrays by place, chosen columns by name, and other delimiters", () => {
    expect(
      encode(csv({ header: false }), [
        [1, "a|b"],
        [2, "c"],
      ]).text,
    ).toBe("1,a|b\n2,c\n");
    expect(encode(csv(), [[1, 2]]).text).toBe("column0,column1\n1,2\n");
    expect(encode(csv({ columns: ["b", "z"], delimiter: "|" }), [{ a: 1, b: "x|y" }]).text).toBe(
      'b|z\n"x|y"|\n',
    );
    expect(encode(csv({ delimiter: "\t" }), [["a\tb", "c,d"]]).text).toContain('"a\tb"\tc,d\n');
    expect(encode(csv({ delimiter: "]" }), [["a]b", "c"]]).text).toContain('"a]b"]c\n');
  });

  test("writes the header of an empty file when the columns are given", () => {
    expect(encode(csv({ columns: ["a", "b"] }), []).text).toBe("a,b\n");
    // What every object has is no property of a row.
    for (const how of ["rows", "batch"] as const) {
      expect(encode(csv({ columns: ["a", "constructor"] }), [{ a: 1 }, { a: 2 }], how).text).toBe(
        "a,constructor\n1,\n2,\n",
      );
    }
    expect(encode(csv(), []).text).toBe("");
  });

  test("writes a single empty field so that it is a record", () => {
    expect(encode(csv(), [{ a: "" }, { a: null }]).text).toBe('a\n""\n""\n');
  });

  test("refuses what would be lost", () => {
    expect(messageOf(csv(), [{ a: 1 }, { a: 1, b: 2 }])).toContain(
      'the row has "b", which is none of the columns a',
    );
    expect(messageOf(csv(), [[1, 2], [1]])).toContain("the row has 1 places, not 2");
    expect(messageOf(csv(), [{ a: [1] }])).toContain("column a holds an array");
    expect(messageOf(csv(), ["text"])).toContain("the row is string, not an object or an array");
  });
});

describe("jsonl", () => {
  test("writes one value a line, and refuses what JSON cannot say", () => {
    expect(encode({ kind: "jsonl" }, [{ a: [1, "é\n"] }, null, 5]).text).toBe('{"a":[1,"é\\n"]}\nnull\n5\n');
    expect(messageOf({ kind: "jsonl" }, [undefined])).toContain(
      "the row is undefined, which JSON cannot say",
    );
    expect(messageOf({ kind: "jsonl" }, [{ n: 1n }])).toContain("row 0");
  });

  test("writes long outputs in pieces", () => {
    const rows = Array.from({ length: 50_000 }, (_, i) => i);
    expect(encode({ kind: "jsonl" }, rows).text).toBe(rows.map((i) => `${i}\n`).join(""));
  });
});
