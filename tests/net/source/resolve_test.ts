/** Sources to splits: nothing is left out, sizes are even, small files are packed, quoted line ends hold. */
import { afterEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { CsvParser } from "../../../core/format/csv_parser.ts";
import type { GraphNode, NodeSpec } from "../../../core/graph/node.ts";
import type { SourceSplit } from "../../../core/plan/physical.ts";
import { safeCuts } from "../../../net/source/csv_cuts.ts";
import { openSplit } from "../../../net/source/open_split.ts";
import { resolveSource } from "../../../net/source/resolve.ts";
import { removeTemporaryDirectories, temporaryDirectory } from "../store/fixtures.ts";

afterEach(removeTemporaryDirectories);

const resolve = (spec: NodeSpec, slots = 2) =>
  resolveSource({ id: 0, inputs: [], callSite: undefined, spec } satisfies GraphNode, { slots });

function filesOf(splits: readonly SourceSplit[]): (SourceSplit & { kind: "file" })[] {
  return splits.flatMap((split) =>
    split.kind === "files" ? split.files : split.kind === "file" ? [split] : [],
  );
}

describe("resolveSource()", () => {
  test("cuts a big file evenly, about four splits a slot", async () => {
    const path = join(temporaryDirectory(), "big.txt");
    writeFileSync(path, Buffer.alloc(20 << 20, "0123456\n"));
    const { splits, bytes } = await resolve({ kind: "text", path, split: {} });
    expect(bytes).toBe(20 << 20);
    expect(splits.length).toBeGreaterThanOrEqual(8);
    expect(splits.length).toBeLessThanOrEqual(10);
    const files = filesOf(splits);
    expect(files.map((f) => f.start)).toEqual([0, ...files.slice(0, -1).map((f) => f.end)]);
    expect(files.at(-1)?.end).toBe(20 << 20);
  });

  test("refuses an empty file of batches, which was cut short, and reads an empty text", async () => {
    const path = join(temporaryDirectory(), "empty");
    writeFileSync(path, "");
    expect(resolve({ kind: "binary", path, split: {} })).rejects.toThrow(
      /empty": it is empty, so it was cut short$/,
    );
    expect((await resolve({ kind: "text", path, split: {} })).bytes).toBe(0);
  });

  test.each([1, 2, 7, 16])("makes at least %p shards when they are asked for", async (shards) => {
    const directory = temporaryDirectory();
    writeFileSync(join(directory, "a"), "hello\n".repeat(20));
    writeFileSync(join(directory, "b"), "x\n");
    for (const kind of ["binary", "text"] as const) {
      const { splits } = await resolve({ kind, path: directory, split: { shards } });
      expect(splits.length).toBeGreaterThanOrEqual(shards);
      expect(
        filesOf(splits).reduce((sum, f) => sum + (Number.isFinite(f.end) ? f.end - f.start : 0), 0),
      ).toBe(122);
      writeFileSync(join(directory, "c"), "");
    }
    for (const spec of [
      { kind: "range", from: 3, to: 8, shards },
      { kind: "array", values: [1, 2, 3, 4, 5], shards },
    ] as const) {
      const { splits } = await resolve(spec);
      const rows = splits.map((split) =>
        split.kind === "range" || split.kind === "slice" ? split.to - split.from : -1,
      );
      expect(splits).toHaveLength(shards);
      expect(rows.reduce((a, b) => a + b)).toBe(5);
      expect(Math.max(...rows) - Math.min(...rows)).toBeLessThanOrEqual(1);
    }
  });

  test("honours splitBytes", async () => {
    const path = join(temporaryDirectory(), "a");
    writeFileSync(path, "x".repeat(100));
    const { splits } = await resolve({ kind: "jsonl", path, options: {}, split: { splitBytes: 30 } });
    expect(splits).toHaveLength(4);
  });

  test("packs 2,000 small files, in order, and finds them quickly", async () => {
    const directory = temporaryDirectory();
    const names = Array.from({ length: 2000 }, (_, i) => `f${String(i).padStart(4, "0")}.txt`);
    for (const name of names) writeFileSync(join(directory, name), `${name}\n`);
    const { splits } = await resolve({ kind: "text", path: join(directory, "*.txt"), split: {} });
    expect(splits.length).toBeGreaterThanOrEqual(8);
    expect(splits.length).toBeLessThanOrEqual(12);
    expect(filesOf(splits).map((f) => f.path.slice(directory.length + 1))).toEqual(names);
  });

  test("never cuts a compressed file, whatever its name, and guesses what is in it", async () => {
    const path = join(temporaryDirectory(), "plain.txt");
    const zstd = zstdCompressSync(Buffer.from("a\n"));
    // Seekable files begin with a frame that decoders skip.
    const skippable = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 7]);
    for (const [compression, content] of [
      ["gzip", gzipSync(Buffer.from("a\n"))],
      ["zstd", zstd],
      ["zstd", Buffer.concat([skippable, zstd])],
    ] as const) {
      writeFileSync(path, content);
      const { splits, bytes } = await resolve({ kind: "text", path, split: { splitBytes: 1 } });
      expect(splits).toEqual([{ kind: "file", path, start: 0, end: Number.POSITIVE_INFINITY, compression }]);
      expect(bytes).toBe(content.length * 4);
    }
  });

  test("deals paths, and keeps an empty input as one empty shard", async () => {
    const directory = temporaryDirectory();
    for (const name of ["a", "b", "c"]) writeFileSync(join(directory, name), "");
    const { splits } = await resolve({ kind: "files", path: `${directory}/*`, split: {} }, 1);
    expect(splits.flatMap((split) => (split.kind === "paths" ? split.paths : []))).toHaveLength(3);
    expect((await resolve({ kind: "text", path: directory, split: {} })).splits).toEqual([
      { kind: "files", files: [] },
    ]);
    expect((await resolve({ kind: "range", from: 0, to: 0 })).splits).toEqual([
      { kind: "range", from: 0, to: 0 },
    ]);
    expect((await resolve({ kind: "generate", shards: 3, fn: () => [] })).splits).toHaveLength(3);
  });

  test("gives each of few rows a shard of its own while there are slots", async () => {
    expect((await resolve({ kind: "range", from: 0, to: 3 }, 8)).splits).toHaveLength(3);
    expect((await resolve({ kind: "range", from: 0, to: 100_000_000 }, 8)).splits).toHaveLength(32);
  });
});

describe("safeCuts()", () => {
  const part = fc.constantFrom('"', '""', ",", "\n", "\r\n", "a", "bc", '"x\ny"', '"p""q\n"');

  test("cuts any text so that the parts have the records of the whole", async () => {
    const path = join(temporaryDirectory(), "t.csv");
    const places = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(
        fc.array(part, { maxLength: 40 }),
        fc.boolean(),
        places,
        async (parts, hasMark, at) => {
          const source = (hasMark ? "\uFEFF" : "") + parts.join("");
          writeFileSync(path, source);
          const size = Buffer.byteLength(source);
          const wanted = [...new Set(at.map((place) => Math.floor(place * size)))].filter(
            (c) => c > 0 && c < size,
          );
          const cuts = safeCuts(
            path,
            wanted.sort((a, b) => a - b),
            ",",
          );
          expect(cuts).toEqual([...new Set(cuts)].sort((a, b) => a - b));
          const bounds = [0, ...cuts, size];
          const records: string[] = [];
          for (let i = 0; i + 1 < bounds.length; i++)
            records.push(...(await recordsOf(path, bounds[i], bounds[i + 1])));
          expect(records).toEqual(await recordsOf(path, 0, size));
        },
      ),
      { numRuns: 500 },
    );
  });

  async function recordsOf(path: string, start: number, end: number): Promise<string[]> {
    const records: string[] = [];
    // One column that there is not: every record is told as malformed, with its text.
    const parser = new CsvParser({
      csv: {},
      header: start === 0 ? undefined : Array.from({ length: 99 }, (_, i) => `c${i}`),
      onBatch: () => undefined,
      onMalformed: (record) => records.push(record.text),
    });
    if (start === 0) parser.push(Buffer.from(`${Array.from({ length: 99 }, (_, i) => `c${i}`).join(",")}\n`));
    const reader = openSplit({ kind: "file", path, start, end, compression: "none" });
    for (let piece = await reader.next(); piece !== undefined; piece = await reader.next()) {
      const hasMark = start === 0 && piece[0] === 0xef && piece[1] === 0xbb;
      parser.push(hasMark ? piece.subarray(3) : piece);
    }
    reader.close();
    parser.end();
    return records;
  }
});
