/** X3: CBOR that is made to cost more than it weighs. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ProtocolError } from "../../core/errors.ts";
import { decode, encode } from "../../net/cbor.ts";
import { checkLimits } from "../../net/cbor_limits.ts";

const hex = (text: string) => new Uint8Array(Buffer.from(text, "hex"));

function nested(depth: number, open: number): Uint8Array {
  return new Uint8Array(depth + 1).fill(open, 0, depth);
}

describe("X3: checkLimits()", () => {
  test.each([
    ["arrays", 0x81],
    ["arrays of indefinite length", 0x9f],
    ["tags", 0xc1],
  ])("refuses %s that are nested too deeply", (_, open) => {
    expect(() => checkLimits(nested(601, open))).toThrow("nested more than 600 deep");
    expect(() => checkLimits(nested(1_000_000, open))).toThrow(ProtocolError);
    expect(() => checkLimits(nested(600, open))).not.toThrow();
  });

  test.each(["9a00000005", "9affffffff00", "9bffffffffffffffff", "bb0fffffffffffffff00", "82 9a0000ffff 00"])(
    "refuses %s, which tells of more items than there are",
    (text) => {
      expect(() => checkLimits(hex(text.replaceAll(" ", "")))).toThrow(/tells of \d+ items/);
    },
  );

  test("refuses more items than memory should be spent on", () => {
    const many = new Uint8Array(5 + (1 << 24)).fill(0x80);
    many.set([0x9a, 1, 0, 0, 0]);
    expect(() => checkLimits(many)).toThrow("more than 16777216 items");
  });

  test("takes whatever the encoder makes", () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withDate: true, withTypedArray: true }), (value) => {
        let bytes: Uint8Array;
        try {
          bytes = encode(value);
        } catch {
          return;
        }
        checkLimits(bytes);
      }),
    );
    let deep: unknown = 1;
    for (let i = 0; i < 500; i++) deep = { deep };
    expect(() => checkLimits(encode(deep))).not.toThrow();
  });

  test("and decode() end on any bytes with a value or a ProtocolError", () => {
    const pieces = fc.constantFrom(
      0x80,
      0x81,
      0x9f,
      0xff,
      0xa1,
      0xbf,
      0xc2,
      0xd8,
      0x5b,
      0x7a,
      0xfb,
      0x1b,
      0x1f,
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.nat(255)), { maxLength: 80 }), (numbers) => {
        const bytes = Uint8Array.from(numbers);
        try {
          checkLimits(bytes);
          decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
