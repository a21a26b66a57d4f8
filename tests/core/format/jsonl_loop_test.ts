/** The generated loop over JSON lines: it must give what JSON.parse gives of each line, however the bytes come. */
import { describe, expect, spyOn, test } from "bun:test";
import fc from "fast-check";
import { rowReader } from "../../../core/batch/row_reader.ts";
import { jsonlLoopSource } from "../../../core/format/jsonl_loop_source.ts";
import { JsonlParser } from "../../../core/format/jsonl_parser.ts";
import type { JsonlChoice } from "../../../core/format/jsonl_shape.ts";
import { isUtf8, jsonNumber, skipValue } from "../../../core/format/jsonl_values.ts";
import { exactText } from "../../oracle/plain.ts";

interface Reading extends JsonlChoice {
  readonly sizes?: readonly number[];
  readonly isGenerated?: boolean;
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Rows as texts, faults with their lines, and how many rows came as columns. */
function read(bytes: Uint8Array, { sizes = [1 << 20], isGenerated = true, ...choice }: Reading = {}) {
  const rows: string[] = [];
  const faults: string[] = [];
  let columnar = 0;
  const parser = new JsonlParser({
    ...choice,
    isAtStart: true,
    isGenerated,
    onBatch: ({ rows: length, column }) => {
      columnar += length;
      const row = rowReader(column);
      for (let i = 0; i < length; i++) rows.push(exactText(row(i)));
    },
    onRow: (row) => rows.push(exactText(row)),
    onMalformed: ({ position, lines, reason, text }) => {
      let line = lines + 1;
      for (let i = 0; i < position; i++) if (bytes[i] === 10) line++;
      const isMark = position === 3 && bytes[0] === 0xef;
      expect(position === 0 || bytes[position - 1] === 10 || isMark).toBe(true);
      faults.push(`${line}: ${reason}: ${text}`);
    },
  });
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length];
    parser.push(bytes.slice(at, at + size));
    at += size;
  }
  parser.end();
  return { rows, faults, columnar };
}

/** The same by JSON.parse, line by line; columns that are declared are there in every row. */
function oracle(bytes: Uint8Array, { columns, wanted }: JsonlChoice) {
  const rows: string[] = [];
  const faults: number[] = [];
  let start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  for (let line = 1; start < bytes.length; line++) {
    const found = bytes.indexOf(10, start);
    const end = found < 0 ? bytes.length : found;
    const text = new TextDecoder().decode(bytes.subarray(start, end));
    start = end + 1;
    if (text.trim() === "") continue;
    try {
      const row = JSON.parse(text);
      const isObject = typeof row === "object" && row !== null && !Array.isArray(row);
      if (columns !== undefined && !isObject) throw new Error("no object");
      const chosen = (wanted ?? columns)?.filter((name) => (columns ?? Object.keys(row)).includes(name));
      const kept = isObject
        ? chosen?.map((name) => [name, Object.hasOwn(row, name) ? row[name] : undefined])
        : undefined;
      rows.push(exactText(kept === undefined ? row : Object.fromEntries(kept)));
    } catch {
      faults.push(line);
    }
  }
  return { rows, faults };
}

function check(bytes: Uint8Array, choice: JsonlChoice, sizes: readonly number[]): void {
  const expected = oracle(bytes, choice);
  const general = read(bytes, { ...choice, isGenerated: false });
  expect(general.rows).toEqual(expected.rows);
  expect(general.faults.map((fault) => Number.parseInt(fault, 10))).toEqual(expected.faults);
  for (const pieces of [[1 << 20], sizes]) {
    const { rows, faults } = read(bytes, { ...choice, sizes: pieces });
    expect({ rows, faults }).toEqual({ rows: general.rows, faults: general.faults });
  }
}

const NUMBERS = [
  ..."0 -0 7 -12 123456789 1234567890 9007199254740993 123456789012345678901234567890 1e400 -1e400".split(
    " ",
  ),
  ..."0.5 1.50 -0.0 0.1 0.84147098480789651 0.1234567890123456 1e5 1E5 -1E-7 1e+2 4.9e-324 2147483648".split(
    " ",
  ),
  ..."99999.9999 999999999.9 0.00000000000000000000000000001 0e0 0.000000000 1e22 1e23 12e-22".split(" "),
];
const BAD_NUMBERS = "01 -01 00 1. .5 -.5 - + +1 1e 1e+ 0x10 NaN Infinity -Infinity 1_0 1.2.3 --1 1a".split(
  " ",
);
const TEXTS = [
  ...['""', '"a"', '"é"', '"日本"', '"😀 ok"', '"longer text than the others here"', '"12"', '"a,b:{}[]"'],
  ...[
    '"\\n"',
    '"q\\"q"',
    '"\\\\"',
    '"\\u0041\\u00e9"',
    '"\\ud83d\\ude00"',
    '"x\\/\\b\\f\\t\\r"',
    '"\uFEFF"',
    '"a\u007f"',
  ],
];
const ODD_TEXTS = [
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u12"',
  '"\\x"',
  '"a\tb"',
  '"open',
  '"\\',
  '"\u0001"',
  "'a'",
];
const OTHERS = [
  ...'true false null tru nul True NULL {} [] [1,2] [1,] [,] {"a":1} {"a":1,} {"a":{"b":[]}}'.split(" "),
  ...['[ 1 , "x" ]', '{ "b" : 1 }', "", '{"a":1,"a":2}', "[[[[]]]]", '{"__proto__":1}', "}", "1 2"],
];
const NAMES = [
  "a",
  "b",
  "",
  "long name",
  "é",
  "id",
  "x-y",
  "0",
  "__proto__",
  'q"q',
  "toString",
  "abcd",
  "abcde",
];

const number = fc.oneof(
  fc.constantFrom(...NUMBERS),
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => JSON.stringify(x)),
);
const text = fc.oneof(
  fc.constantFrom(...TEXTS),
  fc.string({ unit: "grapheme" }).map((x) => JSON.stringify(x)),
  fc.string({ unit: "binary" }).map((x) => JSON.stringify(x)),
);
const any = fc.json();
const flag = fc.constantFrom("true", "false");
const PLAIN: Record<string, fc.Arbitrary<string>> = {
  number,
  text,
  flag,
  any,
  none: fc.constant("null"),
  maybe: fc.oneof(number, fc.constant("null")),
  maybeText: fc.oneof(text, fc.constant("null")),
  maybeFlag: fc.oneof(flag, fc.constant("null")),
  nested: fc.tuple(number, text).map(([n, t]) => `{"n":${n},"t":${t}}`),
  mixed: fc.oneof(number, text),
};
const odd = fc.constantFrom(...NUMBERS, ...BAD_NUMBERS, ...TEXTS, ...ODD_TEXTS, ...OTHERS);
const space = fc.constantFrom("", "", "", "", " ", "  ", "\t", "\r");

/** A table of lines that mostly look alike, of which some are odd, and some are hurt in one byte. */
const table = fc
  .tuple(fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 11 }), fc.boolean())
  .chain(([names, isSpaced]) => {
    const kinds = fc.tuple(...names.map(() => fc.constantFrom(...Object.keys(PLAIN))));
    const [comma, colon] = isSpaced ? [", ", ": "] : [",", ":"];
    const field = (k: number, value: string) => JSON.stringify(names[k]) + colon + value;
    return kinds.chain((own) => {
      const values = fc.tuple(...own.map((kind) => PLAIN[kind]));
      const plain = values.map((all) => `{${all.map((value, k) => field(k, value)).join(comma)}}`);
      const odds = fc.tuple(values, fc.nat(9), odd, space, space, space).map(([all, at, other, s, t, u]) => {
        const fields = all.map((value, k) => `${s}${field(k, k === at ? other : value)}${t}`);
        if (at === 7) fields.reverse();
        if (at === 8) fields.push(`"extra":${other}`);
        if (at === 9) fields.pop();
        return `${u}{${fields.join()}}${u}`;
      });
      const hurt = fc.tuple(
        plain,
        fc.nat(),
        fc.constantFrom("", ",", '"', "}", "{", "x", " ", "\\", "1", "\u0000"),
      );
      const hurts = hurt.map(([line, at, by]) => {
        const place = at % (line.length + 1);
        return line.slice(0, place) + by + line.slice(place + (at % 2));
      });
      return fc.record({
        lines: fc.array(
          fc.oneof(
            { weight: 16, arbitrary: plain },
            { weight: 1, arbitrary: odds },
            { weight: 1, arbitrary: hurts },
          ),
          { maxLength: 60 },
        ),
        choice: fc.record({
          wanted: fc.option(fc.oneof(fc.subarray(NAMES), fc.subarray(NAMES, { maxLength: 2 })), {
            nil: undefined,
          }),
          columns: fc.option(fc.subarray([...NAMES, "missing"]), { nil: undefined, freq: 2 }),
        }),
        ending: fc.constantFrom("\n", "\n", "\r\n", "\n\n"),
        isEnded: fc.boolean(),
        mark: fc.constantFrom("", "", "\uFEFF"),
        sizes: fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 5 }),
      });
    });
  });

describe("the generated loop over JSON lines", () => {
  test("gives the rows and faults of JSON.parse when tables and pieces are random", () => {
    fc.assert(
      fc.property(table, ({ lines, choice, ending, isEnded, mark, sizes }) => {
        const bytes = bytesOf(mark + lines.join(ending) + (isEnded ? ending : ""));
        check(bytes, choice, sizes);
      }),
      { numRuns: 1500 },
    );
  });

  test("gives the rows and faults of JSON.parse when bytes are any", () => {
    const line = '{"a":1.25,"s":"text é","n":null,"o":{"x":true},"l":[1,"é"]}\n';
    const bytes = bytesOf(line.repeat(12));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
        fc.constantFrom({}, { wanted: ["s"] }, { wanted: ["a", "o"] }, { columns: ["l", "z"] }),
        (changes, choice) => {
          const hurt = bytes.slice();
          for (const [at, byte] of changes) hurt[at] = byte;
          check(hurt, choice, [100]);
        },
      ),
      { numRuns: 1500 },
    );
  });

  test("gives the same rows when the file is cut at any byte", () => {
    const bytes = bytesOf(
      '\uFEFF{"n":1,"s":"é"}\r\n{"n":-2.5,"s":"x\\ny"}\n\r\n{"n":null,"s":null}\n{"s":1}\n{"n": 1, "s": "z"}\n7',
    );
    for (let at = 1; at < bytes.length; at++) {
      check(bytes, {}, [at, 1000]);
      check(bytes, { wanted: ["s"] }, [at]);
    }
  });

  test("reads plain lines as columns, in whatever rows are odd", () => {
    for (const [every, least] of [
      [1e9, 29_990],
      [5000, 29_000],
      [50, 100],
      [2, 0],
    ]) {
      const lines = Array.from({ length: 30_000 }, (_, i) =>
        i % every === 1 ? `{"s":"a${i}"}` : `{"n":${i / 8},"s":"a${i}","f":${i % 2 === 0}}`,
      );
      const bytes = bytesOf(`${lines.join("\n")}\n`);
      check(bytes, {}, [50_000]);
      expect(read(bytes, { sizes: [50_000] }).columnar).toBeGreaterThanOrEqual(least);
    }
  });

  test("takes the rows of odd lines into the columns when they fit", () => {
    const line = (i: number) => (i % 10 === 9 ? ` {"s":"\\u0041" , "n":${i}}` : `{"n":${i},"s":"x"}`);
    const bytes = bytesOf(`${Array.from({ length: 1000 }, (_, i) => line(i)).join("\n")}\n`);
    check(bytes, { wanted: ["n", "s"] }, [300]);
    expect(read(bytes, { wanted: ["n", "s"] }).columnar).toBe(1000);
  });

  test("learns another shape when the lines change, and does without when there are too many properties", () => {
    const first = Array.from({ length: 500 }, (_, i) => `{"a":${i},"b":null}`);
    const second = Array.from({ length: 3000 }, (_, i) => `{"b":"${i}","c":[${i}]}`);
    const bytes = bytesOf([...first, ...second].join("\n"));
    check(bytes, {}, [999]);
    expect(read(bytes).columnar).toBeGreaterThan(3000);
    const wide = JSON.stringify(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`p${i}`, i])));
    const wides = bytesOf(`${wide}\n`.repeat(100));
    check(wides, {}, [999]);
    expect(read(wides).columnar).toBe(0);
    check(wides, { wanted: ["p7", "p31"] }, [999]);
    expect(read(wides, { wanted: ["p7", "p31"] }).columnar).toBe(100);
  });

  test("parses few lines twice when there is no shape to learn", () => {
    const wide = (i: number) =>
      JSON.stringify(Object.fromEntries(Array.from({ length: 60 }, (_, k) => [`p${k}`, i])));
    const shapes = [
      (i: number) => `[${i},"a"]`,
      (i: number) => `{"k${i % 3}":${i}}`,
      (i: number) => `${i}`,
      wide,
    ];
    for (const shape of shapes) {
      const bytes = bytesOf(Array.from({ length: 5000 }, (_, i) => shape(i)).join("\n"));
      const parse = spyOn(JSON, "parse");
      try {
        read(bytes, { sizes: [70_000] });
        const parsed = parse.mock.calls.reduce((sum, [text]) => sum + text.length, 0);
        // With the marks between lines that are parsed together.
        expect(parsed).toBeLessThan(1.5 * (bytes.length + 25 * 5000));
      } finally {
        parse.mockRestore();
      }
      check(bytes, {}, [70_000]);
    }
  });

  test("gives batches of bounded size when lines are long, plain or odd", () => {
    for (const line of [`{"s":"${"x".repeat(100_000)}"}\n`, ` {"s":"${"x".repeat(100_000)}"}\n`]) {
      const rows: number[] = [];
      const parser = new JsonlParser({
        isAtStart: true,
        onBatch: (batch) => rows.push(batch.rows),
        onRow: () => rows.push(1),
        onMalformed: ({ reason }) => {
          throw new Error(reason);
        },
      });
      const plain = bytesOf('{"s":"a"}\n'.repeat(10));
      for (let i = 0; i < 50; i++) {
        parser.push(plain);
        parser.push(bytesOf(line));
      }
      parser.end();
      expect(rows.reduce((a, b) => a + b)).toBe(550);
      expect(Math.max(...rows)).toBeLessThan(130);
    }
  });

  test("keeps what a nested value is when its line was odd", () => {
    const line = '{"l":[-0,1e400,"\\ud800",{"__proto__":1}]}\n';
    const bytes = bytesOf(`${line.repeat(5)} ${line}${line}`);
    check(bytes, {}, [50]);
    expect(read(bytes).columnar).toBe(7);
  });
});

test("jsonlLoopSource() holds names as numbers only", () => {
  const fields = [{ name: "colour", value: { kind: "number", slot: 0 } }] as const;
  const source = jsonlLoopSource(fields);
  expect(source).toContain("return function parse(");
  expect(source).not.toContain("colour");
});

test("jsonNumber() and skipValue() end where JSON.parse takes the text, and tell what it refuses", () => {
  const end = { at: 0 };
  fc.assert(
    fc.property(
      fc.oneof(number, fc.constantFrom(...BAD_NUMBERS)),
      fc.constantFrom(",", "}", " "),
      (own, after) => {
        const bytes = bytesOf(`${own}${after}\n`);
        let expected = Number.NaN;
        try {
          expected = JSON.parse(own);
        } catch {}
        const value = jsonNumber(bytes, 0, end);
        const isWhole = !Number.isNaN(value) && end.at === own.length;
        expect(isWhole).toBe(!Number.isNaN(expected));
        if (isWhole) expect(Object.is(value, expected)).toBe(true);
        expect(skipValue(bytes, 0) === own.length).toBe(isWhole);
      },
    ),
    { numRuns: 3000 },
  );
  fc.assert(
    fc.property(fc.oneof(any, odd), (own) => {
      if (own.trim() !== own || own.includes("\n")) return;
      let isValue = true;
      try {
        JSON.parse(own);
      } catch {
        isValue = false;
      }
      expect(skipValue(bytesOf(`${own}\n`), 0) === bytesOf(own).length).toBe(isValue);
    }),
    { numRuns: 3000 },
  );
  expect(skipValue(bytesOf(`${"[".repeat(9999)}\n`), 0)).toBe(-1);
});

test("isUtf8() takes what TextDecoder takes", () => {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const high = fc.constantFrom(
    0x41,
    0x80,
    0x8f,
    0x90,
    0x9f,
    0xa0,
    0xbf,
    0xc1,
    0xc2,
    0xdf,
    0xe0,
    0xe1,
    0xed,
    0xef,
  );
  const more = fc.constantFrom(0xf0, 0xf1, 0xf4, 0xf5, 0xff);
  fc.assert(
    fc.property(fc.array(fc.oneof(high, more), { maxLength: 8 }), (all) => {
      const bytes = Uint8Array.from(all);
      let isRight = true;
      try {
        decoder.decode(bytes);
      } catch {
        isRight = false;
      }
      expect(isUtf8(bytes, 0, bytes.length)).toBe(isRight);
    }),
    { numRuns: 20_000 },
  );
});
