/**
 * CBOR sequences that are cut anywhere.
 */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { encode } from "../../net/cbor.ts";
import { itemEnd, readSequence } from "../../net/cbor_sequence.ts";

async function* pieces(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const places = [...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  let start = 0;
  for (const end of places) {
    yield bytes.slice(start, end);
    start = end;
  }
}

async function all(body: AsyncIterable<Uint8Array>): Promise<unknown[]> {
  const items: unknown[] = [];
  for await (const item of readSequence(body)) items.push(item);
  return items;
}

describe("readSequence()", () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.integer(),
      fc.double({ noNaN: true }),
      fc.boolean(),
      fc.constant(null),
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.uint8Array({ maxLength: 300 }),
      fc.bigInt(),
      fc.array(tie("any"), { maxLength: 30 }),
      fc.dictionary(fc.stringMatching(/^[a-z]{1,9}$/), tie("any")),
    ),
  })).any;

  test("gives the items that were encoded, however the bytes are cut", async () => {
    const property = fc.asyncProperty(fc.array(value), fc.array(fc.nat(5000)), async (values, cuts) => {
      const encoded = values.map((each) => encode(each));
      const bytes = new Uint8Array(encoded.flatMap((each) => [...each]));
      const read = await all(pieces(bytes, cuts));
      expect(read.map((each) => encode(each))).toEqual(encoded);
    });
    await fc.assert(property);
  });

  test("fails when the stream ends within an item", async () => {
    const bytes = encode({ kind: "log", text: "hello" });
    await expect(all(pieces(bytes.subarray(0, -1), [3]))).rejects.toThrow("bytes into an item");
  });

  test("fails when a byte begins no item", async () => {
    for (const bytes of [[0xff], [0x1c], [0xa1, 0xff]]) {
      await expect(all(pieces(new Uint8Array(bytes), []))).rejects.toThrow("begins no item");
    }
  });
});

describe("itemEnd()", () => {
  test("finds the end of items of indefinite length", () => {
    const nested = [0x9f, 0x01, 0xbf, 0x61, 0x61, 0x5f, 0x41, 0x00, 0xff, 0xff, 0xff];
    expect(itemEnd(new Uint8Array([...nested, 0x01]), 0)).toBe(nested.length);
    for (let length = 0; length < nested.length; length++) {
      expect(itemEnd(new Uint8Array(nested.slice(0, length)), 0)).toBeUndefined();
    }
  });
});
