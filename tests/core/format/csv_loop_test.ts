/** The generated loop over CSV records: it must give what the general way gives, however the bytes come. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Batch, type Column, isPresent } from "../../../core/batch/column.ts";
import type { CsvType } from "../../../core/format/csv_columns.ts";
import { csvLoopSource } from "../../../core/format/csv_loop_source.ts";
import { CsvParser } from "../../../core/format/csv_parser.ts";
import { parseBoolean, parseNumber } from "../../../core/format/csv_values.ts";
import { parseDate } from "../../../core/format/date_values.ts";
import type { CsvOptions } from "../../../core/graph/node.ts";

interface Reading {
  readonly csv: CsvOptions;
  readonly wanted?: readonly string[];
  readonly sizes: readonly number[];
  readonly isGenerated: boolean;
}

function valueAt(column: Column, i: number): unknown {
  if (!isPresent(column, i))
    return column.kind === "number" || column.kind === "date" ? [null, column.values[i]] : null;
  if (column.kind === "string")
    return Array.from(column.bytes.subarray(column.offsets[i], column.offsets[i + 1])).join();
  // Compared as text where -0 is to differ from 0.
  if (column.kind === "number" || column.kind === "date") {
    return Object.is(column.values[i], -0) ? "-0" : column.values[i];
  }
  if (column.kind === "boolean") return (column.bits[i >> 3] >> (i & 7)) & 1;
  if (column.kind === "object") return column.names.map((name, c) => [name, valueAt(column.columns[c], i)]);
  throw new Error(`Cannot read a ${column.kind} column`);
}

/** Rows and malformed records, or the error that ended it. */
function read(bytes: Uint8Array, { csv, wanted, sizes, isGenerated }: Reading) {
  const rows: unknown[] = [];
  const malformed: unknown[] = [];
  const parser = new CsvParser({
    csv,
    isGenerated,
    ...(wanted === undefined ? {} : { wanted }),
    onBatch: (batch: Batch) => {
      for (let i = 0; i < batch.rows; i++) rows.push(valueAt(batch.column, i));
    },
    onMalformed: (record) => malformed.push(record),
  });
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length];
    parser.push(bytes.slice(at, at + size));
    at += size;
  }
  parser.end();
  return { rows, malformed };
}

const NUMBERS = [
  ...["0", "-0", "7", "-12", "123456789", "1234567890", "9007199254740993", "123456789012345678901234567890"],
  ...[
    ".5",
    "5.",
    "-.25",
    "1.50",
    "-0.0",
    "0.1",
    "123.456",
    "0.84147098480789651",
    "0.1234567890123456",
    "1e400",
  ],
  ...[
    "1e5",
    "-1E-7",
    "+3",
    "0x10",
    "1_000",
    " 4",
    "4 ",
    "NaN",
    "Infinity",
    "-Infinity",
    ".",
    "-",
    "--1",
    "1.2.3",
  ],
  ...[
    "0000000000000001",
    "0.00000000000000000000000000001",
    "4.9e-324",
    "2147483648",
    "999999999.9",
    "99999.9999",
  ],
];
const TEXTS = [
  "",
  "a",
  "é",
  "x y",
  'a"b',
  "true",
  "FALSE",
  "1",
  "0",
  "\r",
  "a\r",
  "\uFEFF",
  "\uFEFFtrue",
  "2024-02-29",
];
const DATES = [
  "1970-01-01",
  "2024-02-30",
  "2024-02-29T10:00:00",
  "2023-12-31 23:59:59.999Z",
  "0099-01-01",
  "2024-1-1",
];
const QUOTED = ['""', '"a"', '"a""b"', '"x\ny"', '"p;q,r s"', '"12"', '"1"x', '"open', '"\r\n"'];
const NAMES = ["c0", "c1", "c2", "c3", "c4", "c5", "c6"];

const type = fc.constantFrom<CsvType>("string", "number", "boolean", "date");
const field = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...NUMBERS) },
  { weight: 2, arbitrary: fc.double().map(String) },
  { weight: 3, arbitrary: fc.constantFrom(...TEXTS, ...DATES) },
  { weight: 1, arbitrary: fc.constantFrom(...QUOTED) },
);
/** Mostly what its type allows, so that long runs of records are plain. */
const PLAIN: Record<CsvType, fc.Arbitrary<string>> = {
  string: fc.constantFrom("", "a", "bc", "é", "longer text than others"),
  number: fc.oneof(
    fc.integer().map(String),
    fc.double({ noNaN: true }).map(String),
    fc.constantFrom("", "1.25"),
  ),
  boolean: fc.constantFrom("true", "false", "0", "1", ""),
  date: fc.constantFrom("2024-02-29", "", "1999-12-31T23:59:59Z"),
};

const table = fc.array(type, { minLength: 1, maxLength: 7 }).chain((types) => {
  const plain = fc.tuple(...types.map((each) => PLAIN[each]));
  const odd = fc.array(field, { minLength: Math.max(1, types.length - 1), maxLength: types.length + 1 });
  return fc.record({
    types: fc.constant(types),
    records: fc.array(fc.oneof({ weight: 8, arbitrary: plain }, { weight: 1, arbitrary: odd }), {
      maxLength: 40,
    }),
    ending: fc.constantFrom("\n", "\r\n", "\n\n"),
    delimiter: fc.constantFrom(",", ";", " ", "\t"),
    isEnded: fc.boolean(),
    wanted: fc.option(fc.subarray(NAMES.slice(0, types.length)), { nil: undefined }),
    sizes: fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 5 }),
  });
});

describe("the generated CSV loop", () => {
  test("gives the rows and faults of the general way when tables and pieces are random", () => {
    fc.assert(
      fc.property(table, ({ types, records, ending, delimiter, isEnded, wanted, sizes }) => {
        const names = NAMES.slice(0, types.length);
        const text =
          [names, ...records].map((record) => record.join(delimiter)).join(ending) + (isEnded ? ending : "");
        const bytes = new TextEncoder().encode(text);
        const csv = { delimiter, types: Object.fromEntries(types.map((each, c) => [names[c], each])) };
        const reading = { csv, ...(wanted === undefined ? {} : { wanted }) };
        const general = read(bytes, { ...reading, sizes: [1 << 20], isGenerated: false });
        for (const pieces of [[1 << 20], sizes]) {
          expect(read(bytes, { ...reading, sizes: pieces, isGenerated: true })).toEqual(general);
        }
      }),
      { numRuns: 1500 },
    );
  });

  test("gives the same rows when the file is cut at any byte", () => {
    const text = 'n,s,b\r\n1,a,true\r\n-2.5,"x,\ny",0\n,"q""q",\r\n\r\n1e3,é,FALSE\n7\n8,"z",1\n3,c,false';
    const bytes = new TextEncoder().encode(text);
    const csv = { types: { n: "number", b: "boolean" } } as const;
    const general = read(bytes, { csv, sizes: [1000], isGenerated: false });
    expect(general.rows).toHaveLength(6);
    for (let at = 1; at < bytes.length; at++) {
      expect(read(bytes, { csv, sizes: [at, 1000], isGenerated: true })).toEqual(general);
      expect(read(bytes, { csv, sizes: [at], isGenerated: true })).toEqual(general);
    }
  });

  test("gives the same rows when there are more than a batch holds, few, many or only odd ones", () => {
    for (const odd of [1e9, 5000, 7, 2, 1]) {
      const lines = Array.from({ length: 30_000 }, (_, i) =>
        i % odd === 1 ? `"${i}","a""${i}",` : `${i},a${i},${i / 8}`,
      );
      const bytes = new TextEncoder().encode(`n,s,m\n${lines.join("\n")}\n`);
      const csv = { types: { n: "number", m: "number" } } as const;
      const general = read(bytes, { csv, sizes: [1 << 24], isGenerated: false });
      expect(general.rows).toHaveLength(30_000);
      expect(read(bytes, { csv, sizes: [50_000], isGenerated: true })).toEqual(general);
    }
  });

  test("passes over many unwanted columns, and does without the loop when too many are wanted", () => {
    for (const width of [5, 30, 80]) {
      const names = Array.from({ length: width }, (_, c) => `c${c}`);
      const lines = Array.from({ length: 50 }, (_, i) =>
        names.map((_, c) => (c === 2 && i === 9 ? '"q"' : i * c)).join(),
      );
      const bytes = new TextEncoder().encode([names.join(), ...lines].join("\n"));
      for (const wanted of [names, ["c1", `c${width - 1}`], []]) {
        const general = read(bytes, { csv: {}, wanted, sizes: [1 << 20], isGenerated: false });
        expect(read(bytes, { csv: {}, wanted, sizes: [300], isGenerated: true })).toEqual(general);
      }
    }
  });

  test("ends numbers at a delimiter that numbers may have in them", () => {
    const csv = { types: { a: "number", b: "number" } } as const;
    for (const [delimiter, records] of Object.entries({
      ".": ["1.2", "1.2.3", "12.", ".5"],
      "-": ["1-2", "-1", "-1-2", "1--2"],
      "7": ["172", "71", "17273", "177"],
    })) {
      const bytes = new TextEncoder().encode(`a${delimiter}b\n${records.join("\n")}\n`);
      const general = read(bytes, { csv: { ...csv, delimiter }, sizes: [1000], isGenerated: false });
      expect(general.rows.length).toBeGreaterThan(0);
      expect(read(bytes, { csv: { ...csv, delimiter }, sizes: [1000], isGenerated: true })).toEqual(general);
    }
  });

  test("gives batches of bounded size when fields are long", () => {
    const line = `${"x".repeat(100_000)},1\n`;
    const rows: number[] = [];
    const parser = new CsvParser({
      csv: { header: false },
      onBatch: (batch) => rows.push(batch.rows),
      onMalformed: ({ reason }) => {
        throw new Error(reason);
      },
    });
    for (let i = 0; i < 50; i++) parser.push(new TextEncoder().encode(line));
    parser.end();
    expect(Math.max(...rows)).toBeLessThan(15);
    expect(rows.reduce((a, b) => a + b)).toBe(50);
  });
});

test("csvLoopSource() depends on positions and types only", () => {
  const fields = [undefined, { slot: 0, type: "number" }] as const;
  const source = csvLoopSource({ delimiter: 44, fields });
  expect(source).toBe(csvLoopSource({ delimiter: 44, fields }));
  expect(source).toContain("return function parse(");
});

const bytesOf = (text: string) => new TextEncoder().encode(text);

test("parseNumber() gives what Number() gives when decimals have any number of digits", () => {
  const decimal = fc.tuple(fc.bigInt({ min: 0n, max: 10n ** 25n }), fc.nat(30), fc.boolean(), fc.nat(3));
  fc.assert(
    fc.property(decimal, ([digits, decimals, isNegative, zeros]) => {
      const all = "0".repeat(zeros) + String(digits).padStart(decimals + 1, "0");
      const point = decimals === 0 ? "" : `.${all.slice(all.length - decimals)}`;
      const text = `${isNegative ? "-" : ""}${all.slice(0, all.length - decimals)}${point}`;
      expect(parseNumber(bytesOf(text), 0, text.length)).toBe(Number(text));
    }),
    { numRuns: 3000 },
  );
  for (const text of ["9007199254740991", "9007199254740992", "9007199254740993", "9007199254740994.5"]) {
    expect(parseNumber(bytesOf(text), 0, text.length)).toBe(Number(text));
  }
  for (let decimals = 1; decimals <= 22; decimals++) {
    const text = `9007199254740993e-${decimals}`;
    const plain = `0.${"0".repeat(22)}9007199254740993`.split("");
    plain.splice(plain.indexOf("."), 1);
    plain.splice(plain.length - decimals, 0, ".");
    expect(parseNumber(bytesOf(plain.join("")), 0, plain.length)).toBe(Number(text));
  }
});

test("parseDate() gives what Date.parse() gives when days and times are random", () => {
  const two = (max: number) => fc.integer({ min: 0, max }).map((n) => String(n).padStart(2, "0"));
  const date = fc.tuple(fc.integer({ min: 0, max: 9999 }), two(13), two(32), two(25), two(61), two(61));
  const tail = fc.constantFrom("", "Z", ".5", ".123", ".123Z", "+01:00", ".1234", ".12x", "x");
  fc.assert(
    fc.property(date, tail, fc.constantFrom("", "T", " ", "t"), ([y, mo, d, h, mi, s], end, between) => {
      const day = `${String(y).padStart(4, "0")}-${mo}-${d}`;
      const text = between === "" ? day : `${day}${between}${h}:${mi}:${s}${end}`;
      const isPlain = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)?)?$/.test(text);
      const iso = text.replace(" ", "T");
      const hasZone = between === "" || /(Z|\+01:00)$/.test(end);
      const expected = isPlain ? Date.parse(hasZone ? iso : `${iso}Z`) : Number.NaN;
      expect(parseDate(bytesOf(text), 0, text.length)).toBe(expected);
    }),
    { numRuns: 5000 },
  );
});

test("parseBoolean() takes true, false, 1 and 0 in any case", () => {
  const cases = {
    true: 1,
    TRUE: 1,
    "1": 1,
    False: 0,
    "0": 0,
    "\uFEFFfalse": 0,
    "": 2,
    "2": -1,
    "true ": -1,
    truetruetrue: -1,
  };
  for (const [text, expected] of Object.entries(cases)) {
    expect(parseBoolean(bytesOf(text), 0, bytesOf(text).length)).toBe(expected);
  }
});
