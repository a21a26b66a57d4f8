/** Splits of files: however a file is cut, its lines come out once and whole, compressed or not. */
import { afterEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { LucioleError } from "../../../core/errors.ts";
import type { ByteReader } from "../../../core/exec/ports.ts";
import { LineSplitter } from "../../../core/format/lines.ts";
import type { SourceSplit } from "../../../core/plan/physical.ts";
import { openSplit } from "../../../net/source/open_split.ts";
import { removeTemporaryDirectories, temporaryDirectory } from "../store/fixtures.ts";

afterEach(removeTemporaryDirectories);

async function bytesOf(reader: ByteReader): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for (;;) {
    const piece = await reader.next();
    if (piece === undefined) break;
    pieces.push(piece);
  }
  reader.close();
  return new Uint8Array(Buffer.concat(pieces));
}

function linesOf(bytes: Uint8Array): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter({
    onBatch: ({ column }) => {
      for (let i = 0; i < column.length; i++) {
        lines.push(Buffer.from(column.bytes.subarray(column.offsets[i], column.offsets[i + 1])).toString());
      }
    },
  });
  splitter.push(bytes);
  splitter.endFile();
  splitter.flush();
  return lines;
}

function file(
  path: string,
  start: number,
  end: number,
  compression: "none" | "gzip" | "zstd" = "none",
): SourceSplit {
  return { kind: "file", path, start, end, compression };
}

async function failureOf(reader: ByteReader): Promise<LucioleError> {
  const error: unknown = await bytesOf(reader).then(
    () => undefined,
    (e: unknown) => e,
  );
  if (!(error instanceof LucioleError)) throw new Error(`expected a LucioleError, got ${String(error)}`);
  return error;
}

describe("openSplit()", () => {
  test("gives every line once when a random text is cut anywhere", async () => {
    const path = join(temporaryDirectory(), "t.txt");
    const text = fc
      .array(fc.constantFrom("a", "é", "\n", "\r\n", "some words ", "\n\n"), { maxLength: 60 })
      .map((parts) => parts.join(""));
    await fc.assert(
      fc.asyncProperty(
        text,
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 }),
        async (source, places) => {
          writeFileSync(path, source);
          const size = Buffer.byteLength(source);
          const cuts = [...new Set(places.map((place) => Math.floor(place * size)))].sort((a, b) => a - b);
          const bounds = [0, ...cuts.filter((cut) => cut > 0 && cut < size), size];
          const parts: Uint8Array[] = [];
          for (let i = 0; i + 1 < bounds.length; i++) {
            parts.push(await bytesOf(openSplit(file(path, bounds[i], bounds[i + 1]))));
          }
          expect(Buffer.concat(parts).toString()).toBe(source);
          expect(parts.flatMap((part) => linesOf(part))).toEqual(linesOf(Buffer.from(source)));
        },
      ),
      { numRuns: 400 },
    );
  });

  test("gives a line of many pieces to the split in which it begins", async () => {
    const path = join(temporaryDirectory(), "long.txt");
    const long = "x".repeat(5 * (1 << 20));
    writeFileSync(path, `first\n${long}\nlast`);
    const size = 6 + long.length + 5;
    const bounds = [0, 3, 6, 1 << 20, 4 << 20, size - 5, size - 2, size];
    const lines: number[][] = [];
    for (let i = 0; i + 1 < bounds.length; i++) {
      const bytes = await bytesOf(openSplit(file(path, bounds[i], bounds[i + 1])));
      lines.push(linesOf(bytes).map((line) => line.length));
    }
    expect(lines).toEqual([[5], [], [long.length], [], [], [4], []]);
  });

  test("tells the position of each piece", async () => {
    const path = join(temporaryDirectory(), "t.txt");
    writeFileSync(path, "ab\ncd\nef\n");
    const reader = openSplit(file(path, 1, 9));
    await reader.next();
    expect(reader.position).toBe(3);
  });

  test.each(["gzip", "zstd"] as const)("reads %s of one or many members in pieces", async (compression) => {
    const compress = compression === "gzip" ? gzipSync : zstdCompressSync;
    const path = join(temporaryDirectory(), "t");
    const big = Buffer.from(
      Array.from({ length: 300_000 }, (_, i) => `line ${i} ${(i * 7919) % 1000}\n`).join(""),
    );
    const tiny = Buffer.from("tiny\n");
    writeFileSync(
      path,
      Buffer.concat([compress(big), compress(tiny), compress(Buffer.alloc(0)), compress(big)]),
    );
    const got = await bytesOf(openSplit(file(path, 0, Number.POSITIVE_INFINITY, compression)));
    expect(Buffer.from(got).equals(Buffer.concat([big, tiny, big]))).toBe(true);
  });

  test("passes over skippable zstd frames", async () => {
    const path = join(temporaryDirectory(), "t");
    const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
    writeFileSync(path, Buffer.concat([skippable, zstdCompressSync(Buffer.from("a\n")), skippable]));
    const got = await bytesOf(openSplit(file(path, 0, Number.POSITIVE_INFINITY, "zstd")));
    expect(Buffer.from(got).toString()).toBe("a\n");
  });

  test.each(["gzip", "zstd"] as const)(
    "names the file when %s is cut short, corrupt or followed by rubbish",
    async (compression) => {
      const path = join(temporaryDirectory(), "t");
      const noise = new Uint8Array(50_000);
      for (let i = 0, seed = 1; i < noise.length; i++) {
        seed = (seed * 48271) % 2147483647;
        noise[i] = seed;
      }
      const whole =
        compression === "gzip"
          ? gzipSync(noise)
          : zstdCompressSync(noise, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
      const corrupt = Buffer.from(whole);
      corrupt.fill(0xff, 20, 40);
      const cases = [whole.subarray(0, -1), whole.subarray(0, whole.length / 2), whole.subarray(0, 12)];
      cases.push(
        corrupt,
        Buffer.concat([whole, whole.subarray(0, 10)]),
        Buffer.concat([whole, Buffer.from("xyz")]),
      );
      for (const bytes of cases) {
        writeFileSync(path, bytes);
        const error = await failureOf(openSplit(file(path, 0, Number.POSITIVE_INFINITY, compression)));
        expect(error.code).toBe("malformed-input");
        expect(error.message).toContain(`"${path}"`);
      }
    },
  );

  test("refuses a file that went or shrank since it was cut", () => {
    const directory = temporaryDirectory();
    expect(() => openSplit(file(join(directory, "gone"), 0, 10))).toThrow(
      `gone": there is no such file or directory`,
    );
    const path = join(directory, "short");
    writeFileSync(path, "abc");
    expect(() => openSplit(file(path, 0, 10))).toThrow("had at least 10 bytes");
  });

  test("stops when it is closed", async () => {
    const path = join(temporaryDirectory(), "t");
    writeFileSync(path, gzipSync(Buffer.alloc(10 << 20)));
    for (const reader of [openSplit(file(path, 0, 5)), openSplit(file(path, 0, 5, "gzip"))]) {
      await reader.next();
      reader.close();
      reader.close();
      expect(await reader.next()).toBeUndefined();
    }
  });
});
