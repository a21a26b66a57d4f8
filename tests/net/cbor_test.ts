/** The CBOR codec: what must survive the way there and back, and what must be refused. */
import { describe, expect, test } from "bun:test";
import { Decoder } from "cbor-x";
import fc from "fast-check";
import { LucioleError, ProtocolError } from "../../core/errors.ts";
import { DatasetRef } from "../../core/program/dataset_ref.ts";
import { decode, encode } from "../../net/cbor.ts";

const back = (value: unknown) => decode(encode(value));

const leaf = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.string(),
  fc.boolean(),
  fc.bigInt(),
  fc.constant(null),
  fc.constant(undefined),
  fc.constant(-0),
  // Invalid ones have their own test: the matchers of bun take two of them in a map for different.
  fc.date({ noInvalidDate: true }),
  fc.uint8Array(),
);
const value = fc.letrec((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie("any")),
    fc.dictionary(
      fc.string().filter((k) => k !== "__proto__"),
      tie("any"),
    ),
    fc.array(fc.tuple(fc.string(), tie("any"))).map((entries) => new Map(entries)),
    fc.array(leaf).map((items) => new Set(items)),
  ),
})).any;

describe("encode() and decode()", () => {
  test("give any plain value back when it is random", () => {
    fc.assert(
      fc.property(value, (v) => {
        expect(back(v)).toStrictEqual(v);
      }),
      { numRuns: 500 },
    );
  });

  test("keep -0, NaN, infinities and undefined when they are nested", () => {
    const rows = [-0, { a: -0, b: undefined }, [Number.NaN, Number.POSITIVE_INFINITY, 0], new Map([[1, -0]])];
    const got = back(rows) as typeof rows;
    expect(Object.is(got[0], -0)).toBe(true);
    expect(Object.is((got[1] as { a: number }).a, -0)).toBe(true);
    expect("b" in (got[1] as object)).toBe(true);
    expect(Object.is((got[3] as Map<number, number>).get(1), -0)).toBe(true);
    expect(got).toStrictEqual(rows);
  });

  test("keep small and huge bigints bigint when numbers look the same", () => {
    for (const n of [0n, 1n, -1n, 2n ** 64n - 1n, -(2n ** 64n), 2n ** 64n, -(2n ** 200n), 2n ** 4000n]) {
      expect(back(n)).toBe(n);
    }
  });

  test("keep dates to the millisecond when they are far away or invalid", () => {
    for (const ms of [0, 1, -1, 8.64e15, -8.64e15, 8.64e15 - 1, 2 ** 50 - 1, 1700000000123, Number.NaN]) {
      expect((back(new Date(ms)) as Date).getTime()).toBe(ms);
      expect(
        (back(new Map([["", [{ at: new Date(ms) }]]])) as Map<string, { at: Date }[]>)
          .get("")?.[0]
          ?.at.getTime(),
      ).toBe(ms);
    }
  });

  test("keep typed arrays of each type when they are not aligned", () => {
    const arrays = [
      new Float64Array([1.5, -0]),
      new Uint32Array([7]),
      new Int16Array([-3]),
      new BigInt64Array([5n]),
    ];
    expect(back(["x", ...arrays])).toStrictEqual(["x", ...arrays]);
    expect(back(Buffer.from("abc"))).toStrictEqual(new Uint8Array([97, 98, 99]));
  });

  test("keep objects with more than 65,535 properties", () => {
    const big = Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`k${i}`, i]));
    expect(back(big)).toEqual(big);
  });

  test("carry a dataset reference as one", () => {
    const ref = new DatasetRef({ id: "d1", shards: 3, rows: 10, bytes: 2 ** 40 });
    const got = (back({ ref }) as { ref: DatasetRef }).ref;
    expect(got).toBeInstanceOf(DatasetRef);
    expect(got).toEqual(ref);
  });

  test("write what a plain decoder reads", () => {
    const plain = new Decoder({ useRecords: false, mapsAsObjects: true });
    expect(plain.decode(encode({ a: [1, "x", -0.5], b: true }))).toEqual({ a: [1, "x", -0.5], b: true });
  });
});

describe("encode() refuses", () => {
  class Point {}
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  test.each([
    [{ user: { call: () => 1 } }, "value.user.call is a function"],
    [[1, [Symbol("s")]], "value[1][0] is a symbol"],
    [{ p: new Point() }, "value.p is an instance of Point"],
    [[Promise.resolve(1)], "value[0] is a promise"],
    [new Map([["k", /x/]]), "value.get(k) is an instance of RegExp"],
    [cyclic, "value is cyclic"],
  ])("%p and names type and path", (bad, text) => {
    let error: unknown;
    try {
      encode(bad);
    } catch (e) {
      error = e;
    }
    expect(error).toBeInstanceOf(LucioleError);
    expect((error as LucioleError).code).toBe("not-serialisable");
    expect((error as LucioleError).message).toContain(text);
    expect(back([1])).toEqual([1]);
  });
});

describe("decode() refuses malformed input", () => {
  const hex = (text: string) => new Uint8Array(Buffer.from(text, "hex"));
  test.each([
    ["empty input", hex("")],
    ["a cut string", hex("6561")],
    ["a huge array", hex("9affffffff")],
    ["a huge map", hex("baffffffff")],
    ["a huge byte string", hex("5affffffff00")],
    ["two items", hex("0102")],
    ["deep nesting", new Uint8Array(1_000_000).fill(0x81)],
    ["a generic object", hex("d81b8265526567457870616161")],
    ["value sharing", hex("d81c80")],
    ["a broken dataset reference", hex("d94c7580")],
    ["an unknown additional length", hex("1c")],
  ])("when it is %s", (_name, bytes) => {
    expect(() => decode(bytes)).toThrow(ProtocolError);
    expect(back("still works")).toBe("still works");
  });

  test("when it is random bytes, or gives some value", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
