/** Long decimals: the double must be the one that Number() gives of the text. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { decimalOf } from "../../../core/format/decimal.ts";

function check(text: string, mustKnow = false): void {
  const bytes = new TextEncoder().encode(`9${text}9`);
  const value = decimalOf(bytes, 1, 1 + text.length);
  if (mustKnow || !Number.isNaN(value)) expect({ text, value }).toEqual({ text, value: Number(text) });
}

test("decimalOf() gives the nearest double, or leaves it to the text, when digits are random", () => {
  const decimal = fc.tuple(fc.bigInt({ min: 0n, max: 10n ** 23n }), fc.nat(24), fc.nat(3));
  fc.assert(
    fc.property(decimal, ([all, decimals, zeros]) => {
      const digits = "0".repeat(zeros) + String(all).padStart(decimals + 1, "0");
      const point = digits.length - decimals;
      check(`${digits.slice(0, point)}.${digits.slice(point)}`);
    }),
    { numRuns: 50_000 },
  );
});

test("decimalOf() knows what is printed of a double between 1e-4 and 1e15", () => {
  fc.assert(
    fc.property(fc.double({ min: 1e-4, max: 1e15, noNaN: true }), (value) => check(String(value), true)),
    { numRuns: 50_000 },
  );
  for (let i = 0; i < 50_000; i++) check(String(Math.sin(i) ** 2 + 0.001), true);
});

test("decimalOf() is right, or in doubt, at and beside the middle of two doubles", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 31 }),
      fc.nat(9),
      fc.integer({ min: -3, max: 3 }),
      (low, shift, by) => {
        // The middle of two doubles of 53 bits, scaled so that its decimals end.
        const middle = (2n ** 52n + BigInt(low)) * 2n + 1n;
        const digits = String(middle * 5n ** BigInt(shift) * 10n + BigInt(by));
        const point = digits.length - shift - 1;
        check(`${digits.slice(0, point)}.${digits.slice(point)}`);
      },
    ),
    { numRuns: 50_000 },
  );
});
