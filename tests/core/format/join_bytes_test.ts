/** Joining pieces of bytes. */
import { expect, test } from "bun:test";
import { joinBytes } from "../../../core/format/join_bytes.ts";

test("joinBytes() keeps the order of the pieces, empty ones included", () => {
  const pieces = [Uint8Array.of(1, 2), new Uint8Array(0), Uint8Array.of(3)];
  expect(joinBytes(pieces)).toEqual(Uint8Array.of(1, 2, 3));
  expect(joinBytes([])).toEqual(new Uint8Array(0));
});

test("joinBytes() does not copy a single piece", () => {
  const piece = Uint8Array.of(1);
  expect(joinBytes([piece])).toBe(piece);
});
