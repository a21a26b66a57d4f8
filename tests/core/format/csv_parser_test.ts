/** Parsing CSV, against a reference parser that goes character by character. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Batch, Column } from "../../../core/batch/column.ts";
import { isPresent } from "../../../core/batch/column.ts";
import { CsvParser, type MalformedRecord } from "../../../core/format/csv_parser.ts";
import type { CsvOptions } from "../../../core/graph/node.ts";

function valueAt(column: Column, i: number): unknown {
  if (!isPresent(column, i)) return column.absent === "null" ? null : undefined;
  switch (column.kind) {
    case "string":
      return new TextDecoder("utf-8", { ignoreBOM: true }).decode(
        column.bytes.subarray(column.offsets[i], column.offsets[i + 1]),
      );
    case "number":
      return column.values[i];
    case "date":
      return new Date(column.values[i]);
    case "boolean":
      return (column.bits[i >> 3] & (1 << (i & 7))) !== 0;
    case "object":
      return Object.fromEntries(column.names.map((name, c) => [name, valueAt(column.columns[c], i)]));
    default:
      throw new Error(`a CSV batch has no ${column.kind} column`);
  }
}

function parse(text: string, csv: CsvOptions = {}, sizes: number[] = [1 << 20], header?: readonly string[]) {
  const rows: unknown[] = [];
  const malformed: MalformedRecord[] = [];
  const parser = new CsvParser({
    csv,
    ...(header === undefined ? {} : { header }),
    onBatch: (batch: Batch) => {
      for (let i = 0; i < batch.rows; i++) rows.push(valueAt(batch.column, i));
    },
    onMalformed: (record) => malformed.push(record),
  });
  const bytes = new TextEncoder().encode(text);
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length];
    parser.push(bytes.slice(at, at + size));
    at += size;
  }
  parser.end();
  return { rows, malformed };
}

function reference(text: string, delimiter: string): string[][] {
  const records: string[][] = [];
  let record: string[] = [];
  let i = 0;
  while (i < text.length) {
    if (record.length === 0 && /^\r?\n/.test(text.slice(i, i + 2))) {
      i += text[i] === "\r" ? 2 : 1;
      continue;
    }
    let field = "";
    if (text[i] === '"') {
      for (i++; ; i++) {
        if (text[i] === '"' && text[i + 1] === '"') i++;
        else if (text[i] === '"') break;
        field += text[i];
      }
      i++;
    } else {
      while (i < text.length && text[i] !== delimiter && !/^\r?\n/.test(text.slice(i, i + 2)))
        field += text[i++];
    }
    record.push(field);
    if (text[i] === delimiter) {
      i++;
      if (i < text.length && !/^\r?\n/.test(text.slice(i, i + 2))) continue;
      record.push("");
    }
    if (text[i] === "\r") i++;
    i++;
    records.push(record);
    record = [];
  }
  return records;
}

const field = fc
  .array(fc.constantFrom("a", "b7", '"', ",", "\n", "\r\n", "é", " ", ""), { maxLength: 5 })
  .map((parts) => parts.join(""));

function quoted(value: string, always: boolean): string {
  return always || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

test("columns may have the names of what every object has", () => {
  const text = "constructor,n,toString,__proto__,hasOwnProperty\na,1,b,c,d\n";
  const row = ["a", 1, "b", "c", "d"];
  for (const csv of [{ types: { n: "number" } }, { types: { n: "number", toString: "string" } }] as const) {
    const { rows, malformed } = parse(text, csv as CsvOptions);
    expect(malformed).toEqual([]);
    expect(rows.map((each) => Object.values(each as object))).toEqual([row]);
  }
});

describe("CsvParser", () => {
  test("reads what RFC 4180 writes when fields, line ends and pieces are random", () => {
    const table = fc.integer({ min: 1, max: 4 }).chain((width) =>
      fc.record({
        rows: fc.array(fc.array(field, { minLength: width, maxLength: width }), { maxLength: 12 }),
        ending: fc.constantFrom("\n", "\r\n"),
        isEnded: fc.boolean(),
        always: fc.boolean(),
        sizes: fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 4 }),
        names: fc.constant(["x", "y", 'z"', "w,"].slice(0, width)),
      }),
    );
    fc.assert(
      fc.property(table, ({ rows, ending, isEnded, always, sizes, names }) => {
        const lines = [names, ...rows].map((row) =>
          row.map((value) => quoted(value, always || row.length === 1)).join(","),
        );
        const text = lines.join(ending) + (isEnded ? ending : "");
        const expected = rows.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i]])));
        expect(parse(text, {}, sizes)).toEqual({ rows: expected, malformed: [] });
        expect(reference(text, ",").slice(1)).toEqual(rows);
      }),
      { numRuns: 500 },
    );
  });

  test("agrees with the reference when quotes stand in the middle of fields", () => {
    const text = 'a;b\n5" disk;x\n"q;\n""1""";\n ;"y"\r\n';
    const rows = reference(text, ";").slice(1);
    expect(parse(text, { delimiter: ";" }, [1]).rows).toEqual(rows.map(([a, b]) => ({ a, b })));
  });

  test("makes typed columns and null of empty fields when types are given", () => {
    const text =
      "n,b,d,s\n1.5,true,2024-02-29,x\n,,,\n-0,FALSE,2024-02-29 10:00:00,\n1e3,1,2024-02-29T10:00:00+01:00,NaN\n";
    const types = { n: "number", b: "boolean", d: "date" } as const;
    expect(parse(text, { types }).rows).toEqual([
      { n: 1.5, b: true, d: new Date("2024-02-29T00:00:00Z"), s: "x" },
      { n: null, b: null, d: null, s: "" },
      { n: -0, b: false, d: new Date("2024-02-29T10:00:00Z"), s: "" },
      { n: 1000, b: true, d: new Date("2024-02-29T09:00:00Z"), s: "NaN" },
    ]);
  });

  test("reads any number as Number() does when it is written in many ways", () => {
    fc.assert(
      fc.property(fc.oneof(fc.double(), fc.integer(), fc.maxSafeInteger()), fc.nat(20), (n, decimals) => {
        const texts = [String(n), Number.isFinite(n) && Math.abs(n) < 1e21 ? n.toFixed(decimals) : "0"];
        for (const text of texts) {
          const [row] = parse(`n\n${text}\n`, { types: { n: "number" } }).rows as { n: number }[];
          expect(Object.is(row.n, Number(text))).toBe(true);
        }
      }),
    );
  });

  test("keeps only the wanted columns when columns are given in another order", () => {
    const text = '\uFEFFa,b,c\n1,"x,y",3\n4,"5""",6';
    expect(parse(text, { columns: ["c", "b"], types: { c: "number" } }).rows).toEqual([
      { c: 3, b: "x,y" },
      { c: 6, b: '5"' },
    ]);
  });

  test("names columns itself or from the options when there is no header", () => {
    expect(parse("1,2\n3,4", { header: false }).rows).toEqual([
      { column0: "1", column1: "2" },
      { column0: "3", column1: "4" },
    ]);
    expect(parse("1,2\n", { header: false, columns: ["x", "y"] }).rows).toEqual([{ x: "1", y: "2" }]);
  });

  test("takes every record as a row when the header is given from outside", () => {
    expect(parse("1,2\n3,4\n", {}, [3], ["a", "b"]).rows).toHaveLength(2);
  });

  test("tells position and reason of each malformed record when records are wrong", () => {
    const text = 'n,s\n1,a\nx,b\n3\n4,"c"d\n5,e,f\n6,g\n7,"open\n8,h\n';
    const { rows, malformed } = parse(text, { types: { n: "number" } }, [5]);
    expect(rows).toEqual([
      { n: 1, s: "a" },
      { n: 6, s: "g" },
    ]);
    expect(malformed.map((m) => [text.slice(m.position, m.position + 3), m.reason])).toEqual([
      ["x,b", 'n is not a number: "x"'],
      ["3\n4", "it has 1 fields, not 2"],
      ['4,"', "text follows a closing quote"],
      ["5,e", "it has 3 fields, not 2"],
      ['7,"', "a quoted field has no end"],
    ]);
    expect(malformed[2].text).toBe('4,"c"d');
  });

  test("refuses hexadecimal, words and blanks as numbers", () => {
    for (const text of ["0x10", "abc", " ", "1_000", "--1", "1.2.3", "1e", "."]) {
      expect(parse(`n\n"${text}"\n`, { types: { n: "number" } }).malformed).toHaveLength(1);
    }
  });

  test("says which columns there are when a wanted one is missing or there twice", () => {
    expect(() => parse("a,b\n1,2\n", { columns: ["c"] })).toThrow(
      'there is no column "c"; the columns are a, b',
    );
    expect(() => parse("a,a\n1,2\n")).toThrow('column "a" is there 2 times');
    expect(() => parse("a\n", { delimiter: "::" })).toThrow(RangeError);
  });

  test("refuses a type of a column that is not there, with the nearest name", () => {
    const types = { idd: "number" } as const;
    expect(() => parse("id,name\n1,2\n", { types })).toThrow(
      'there is no column "idd" (did you mean "id"?); the columns are id, name',
    );
    expect(() => parse("1,2\n", { types }, [1 << 20], ["id", "name"])).toThrow('there is no column "idd"');
    expect(() => parse("1,2\n", { header: false, types })).toThrow("the columns are column0, column1");
    expect(parse("", { types }).rows).toEqual([]);
  });

  test("gives nothing when the file is empty, blank or only a header", () => {
    for (const text of ["", "\n\r\n", "a,b", "a,b\n\n"]) {
      expect(parse(text)).toEqual({ rows: [], malformed: [] });
    }
  });

  test("reads a record of 8 MiB when it comes in small pieces", () => {
    const big = 'x"\n,'.repeat(2 << 20);
    const text = `a,b\n"${big.replaceAll('"', '""')}",2\n3,4\n`;
    expect(parse(text, {}, [65_536]).rows).toEqual([
      { a: big, b: "2" },
      { a: "3", b: "4" },
    ]);
  });
});
