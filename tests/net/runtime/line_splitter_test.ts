/**
 * Lines out of bytes that are cut anywhere.
 */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { LineSplitter } from "../../../net/runtime/line_splitter.ts";

function split(pieces: readonly Uint8Array[]): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  for (const piece of pieces) splitter.write(piece);
  splitter.end();
  return lines;
}

describe("LineSplitter", () => {
  test("write() finds the lines of any text, however it is cut", () => {
    const text = fc.array(fc.string({ unit: "grapheme" }).map((line) => line.replace(/[\r\n]/g, "")));
    fc.assert(
      fc.property(text, fc.array(fc.nat(200)), (lines, cuts) => {
        const bytes = new TextEncoder().encode(lines.map((line) => `${line}\n`).join(""));
        const places = [
          0,
          ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b),
          bytes.length,
        ];
        const pieces = places.slice(1).map((end, i) => bytes.slice(places[i], end));
        expect(split(pieces)).toEqual(
          lines.map((line) => new TextDecoder().decode(new TextEncoder().encode(line))),
        );
      }),
    );
  });

  test("end() gives a last line without line end", () => {
    expect(split([new TextEncoder().encode("a\r\nb")])).toEqual(["a", "b"]);
  });

  test("write() keeps 64 KiB of a longer line and counts the rest", () => {
    const pieces = Array.from({ length: 100 }, () => new Uint8Array(1000).fill(97));
    const [line, ...others] = split([...pieces, new Uint8Array([10, 98])]);
    expect(line).toBe(`${"a".repeat(65_536)} … (${100_000 - 65_536} bytes more)`);
    expect(others).toEqual(["b"]);
  });
});
