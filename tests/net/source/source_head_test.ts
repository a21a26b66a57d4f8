/** Sources end to end: files on disk, split, opened and parsed as the tasks of a flow do. */
import { afterEach, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { LucioleError } from "../../../core/errors.ts";
import { createSinkEncoder } from "../../../core/exec/sink_encoder.ts";
import { runSourceHead } from "../../../core/exec/source_head.ts";
import type { NodeSpec, SinkFormat, SplitOptions } from "../../../core/graph/node.ts";
import { removeTemporaryDirectories, temporaryDirectory } from "../store/fixtures.ts";

import { gatherer, nodeFor, readSource, scopeFor } from "./task_scope.ts";

afterEach(removeTemporaryDirectories);

function write(content: string | Uint8Array, name = "t"): string {
  const path = join(temporaryDirectory(), name);
  writeFileSync(path, content);
  return path;
}

async function messageOf(spec: NodeSpec): Promise<string> {
  try {
    await readSource(spec);
  } catch (error) {
    if (error instanceof LucioleError) return error.message;
    throw error;
  }
  throw new Error("expected the source to fail");
}

describe("text", () => {
  test("gives the same rows when it is cut into many splits or is compressed", async () => {
    const lines = Array.from({ length: 5000 }, (_, i) => (i % 7 === 0 ? "" : `line ${i} é`));
    const text = `${lines.join("\r\n")}\n`;
    for (const content of [text, gzipSync(text), zstdCompressSync(text)]) {
      const path = write(content);
      for (const split of [{}, { splitBytes: 777 }, { shards: 16 }]) {
        const { rows, totals } = await readSource({ kind: "text", path, split });
        expect(rows).toEqual(lines);
        expect(totals.rowsIn).toBe(5000);
        expect(totals.bytesIn).toBe(Buffer.byteLength(text));
      }
    }
  });

  test("takes a byte order mark away at the beginning of a file only, wherever it is cut", async () => {
    const lines = ["one", "\uFEFFtwo", "\uFEFFthree"];
    const path = write(`\uFEFF${lines.join("\n")}\n`);
    for (const split of [{}, { splitBytes: 1 }]) {
      expect((await readSource({ kind: "text", path, split })).rows).toEqual(lines);
    }
  });

  test("gives nothing for empty files, and the files of one split in order", async () => {
    const root = temporaryDirectory();
    for (let i = 0; i < 50; i++) writeFileSync(join(root, `f${100 + i}`), i % 5 === 0 ? "" : `a${i}\nb${i}`);
    const { rows } = await readSource({ kind: "text", path: root, split: {} });
    const expected = Array.from({ length: 50 }, (_, i) => (i % 5 === 0 ? [] : [`a${i}`, `b${i}`]));
    expect(rows).toEqual(expected.flat());
  });

  test("stops reading when no further row matters", async () => {
    const path = write("x\n".repeat(4 << 20));
    const { totals } = await readSource({ kind: "text", path, split: { splitBytes: 100 << 20 } }, 10);
    expect(totals.bytesIn).toBeLessThanOrEqual(2 << 20);
  });

  test("opens no further file of its split when no further row matters", async () => {
    const spec: NodeSpec = { kind: "text", path: "t", split: {} };
    const end = Number.POSITIVE_INFINITY;
    const files = [write("x\n".repeat(100_000)), "/gone"].map(
      (path) => ({ kind: "file", path, start: 0, end, compression: "none" }) as const,
    );
    const scope = scopeFor(spec);
    const head = { kind: "source", node: 0, splits: [{ kind: "files", files }] } as const;
    await runSourceHead(scope, head, gatherer(scope.rows, 10));
    expect(scope.rows[9]).toBe("x");
    expect(scope.totals.bytesIn).toBe(200_000);
  });

  test("names the file when its compressed data is cut short", async () => {
    const path = write(gzipSync("hello\n".repeat(1000)).subarray(0, -6), "cut.gz");
    const message = await messageOf({ kind: "text", path, split: {} });
    expect(message).toStartWith(`Cannot read "${path}": its compressed data is cut short or corrupt`);
    expect(message).toEndWith(" (text at flow.ts:3)");
  });
});

describe("csv", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", '"', ",", "\n", "\r", " ", "é"), maxLength: 8 });

  test("gives what writeCsv wrote, however it is cut", async () => {
    const table = fc.array(fc.record({ x: text, y: text, n: fc.option(fc.integer()) }), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(table, fc.integer({ min: 1, max: 80 }), async (rows, splitBytes) => {
        const path = write(
          encoded(rows, { kind: "csv", header: true, columns: ["x", "y", "n"], delimiter: "," }),
        );
        const options = { types: { n: "number" } } as const;
        const got = await readSource({ kind: "csv", path, options, split: { splitBytes } });
        expect(got.rows).toEqual(rows);
      }),
      { numRuns: 100 },
    );
  });

  test("names file and line of a malformed record in any split, compressed or not", async () => {
    const lines = Array.from({ length: 400 }, (_, i) => (i === 321 ? '"two\nlines",x' : `"a\n${i}",${i}`));
    const content = `s,n\n${lines.join("\n")}\n`;
    const options = { types: { n: "number" } } as const;
    for (const bytes of [content, gzipSync(content)]) {
      const path = write(bytes);
      for (const splitBytes of [100, 1 << 20]) {
        const message = await messageOf({ kind: "csv", path, options, split: { splitBytes } });
        expect(message).toContain(`Cannot read "${path}": line ${2 + 321 * 2}: n is not a number: "x"`);
      }
    }
  });

  test("counts malformed records and keeps a few of them when they are skipped", async () => {
    const path = write(`n\n${Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? i : "bad")).join("\n")}\n`);
    const options = { types: { n: "number" }, onError: "skip" } as const;
    const { rows, counters, totals } = await readSource({ kind: "csv", path, options, split: {} });
    expect(rows).toEqual(Array.from({ length: 10 }, (_, i) => ({ n: i * 2 })));
    expect(counters).toEqual({ "malformed lines": 10 });
    expect(totals.samples["malformed lines"]).toEqual([`${path}: line 3: n is not a number: "bad": bad`]);
  });

  test("keeps samples with the lines of JSON, of later splits too", async () => {
    const lines = Array.from({ length: 40 }, (_, i) => (i % 10 === 7 ? `{${i}` : `{"n":${i}}`));
    const path = write(lines.join("\n"));
    const linesOf = async (split: SplitOptions) => {
      const { totals } = await readSource({ kind: "jsonl", path, options: { onError: "skip" }, split });
      return totals.samples["malformed lines"].map((sample) =>
        /: (line \d+): .*: (\{\d+)$/.exec(sample)?.slice(1),
      );
    };
    const all = [7, 17, 27, 37].map((i) => [`line ${i + 1}`, `{${i}`]);
    expect(await linesOf({})).toEqual(all);
    expect(await linesOf({ splitBytes: 100 })).toEqual(all.slice(-1));
  });

  test("names the file of which a wanted column is missing", async () => {
    const path = write("a,b\n1,2\n");
    const message = await messageOf({ kind: "csv", path, options: { columns: ["c"] }, split: {} });
    expect(message).toContain(`Cannot read "${path}": there is no column "c"; the columns are a, b`);
  });

  test("numbers columns alike in every split when there is no header", async () => {
    const path = write("1,2\n3,4\n5,6\n");
    const { rows } = await readSource({
      kind: "csv",
      path,
      options: { header: false },
      split: { splitBytes: 4 },
    });
    expect(rows).toEqual([1, 3, 5].map((n) => ({ column0: String(n), column1: String(n + 1) })));
  });
});

describe("jsonl", () => {
  test("gives any rows back, however they are cut", async () => {
    const value = fc.jsonValue();
    await fc.assert(
      fc.asyncProperty(
        fc.array(value, { maxLength: 20 }),
        fc.integer({ min: 1, max: 60 }),
        async (rows, splitBytes) => {
          const path = write(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
          const got = await readSource({ kind: "jsonl", path, options: {}, split: { splitBytes } });
          expect(JSON.stringify(got.rows)).toBe(JSON.stringify(rows));
        },
      ),
      { numRuns: 100 },
    );
  });

  test("keeps only the wanted properties, in their order", async () => {
    const path = write('{"a":1,"b":2,"c":3}\n{"c":4}\n\n');
    const { rows } = await readSource({ kind: "jsonl", path, options: { columns: ["c", "a"] }, split: {} });
    expect(rows).toEqual([
      { c: 3, a: 1 },
      { c: 4, a: undefined },
    ]);
  });

  test("names file and line of a malformed line in a later split and a later file", async () => {
    const root = temporaryDirectory();
    writeFileSync(join(root, "a"), '{"x":1}\n'.repeat(100));
    writeFileSync(join(root, "b"), `${'{"x":1}\n'.repeat(77)}{"x":}\n`);
    for (const splitBytes of [50, 1 << 20]) {
      const message = await messageOf({ kind: "jsonl", path: root, options: {}, split: { splitBytes } });
      expect(message).toContain(`Cannot read "${join(root, "b")}": line 78: it is not JSON`);
    }
  });

  test("takes no line for two rows when two values stand on one, or one on two", async () => {
    const path = write('{"a":1},{"a":2}\n{"b":[1\n]}\n{"c":3}\n');
    const options = { onError: "skip" } as const;
    const { rows, counters } = await readSource({ kind: "jsonl", path, options, split: {} });
    expect(rows).toEqual([{ c: 3 }]);
    expect(counters).toEqual({ "malformed lines": 3 });
  });
});

describe("binary", () => {
  const rows = Array.from({ length: 3000 }, (_, i) => [`k${i}`, i, i % 3 === 0 ? null : new Date(i)]);

  test("gives back what writeBinary wrote", async () => {
    const path = write(encoded(rows, { kind: "binary" }));
    expect((await readSource({ kind: "binary", path, split: {} })).rows).toEqual(rows);
  });

  test("refuses a file that is cut short, corrupt, empty of a trailer or something else", async () => {
    const whole = encoded(rows, { kind: "binary" });
    const corrupt = whole.slice();
    corrupt[whole.length >> 1] ^= 1;
    for (const bytes of [whole.slice(0, -40), whole.slice(0, 100), corrupt, Buffer.from("some text\n")]) {
      const path = write(bytes);
      expect(await messageOf({ kind: "binary", path, split: {} })).toContain(`Cannot read "${path}": `);
    }
  });
});

describe("sources in memory", () => {
  test.each<[NodeSpec, unknown[]]>([
    [{ kind: "range", from: -3, to: 4, shards: 3 }, [-3, -2, -1, 0, 1, 2, 3]],
    [{ kind: "range", from: 0, to: 0, shards: 2 }, []],
    [{ kind: "array", values: [1, "a", null, { b: 2 }], shards: 7 }, [1, "a", null, { b: 2 }]],
    [{ kind: "generate", shards: 3, fn: (shard: number) => [shard, shard * 10] }, [0, 0, 1, 10, 2, 20]],
    [
      {
        kind: "generate",
        shards: 2,
        async *fn(shard: number) {
          yield shard;
          await Promise.resolve();
          yield "x";
        },
      },
      [0, "x", 1, "x"],
    ],
  ])("give their rows in order: %p", async (spec, expected) => {
    const { rows, totals } = await readSource(spec);
    expect(rows).toEqual(expected);
    expect(totals.rowsIn).toBe(expected.length);
  });

  test("end a generator early when no further row matters, and run its clean-up", async () => {
    const ended: string[] = [];
    const endless = {
      kind: "generate",
      shards: 1,
      *fn() {
        try {
          for (let i = 0; ; i++) yield i;
        } finally {
          ended.push("sync");
        }
      },
    } as const;
    const endlessAsync = {
      kind: "generate",
      shards: 1,
      async *fn() {
        try {
          for (let i = 0; ; i++) yield i;
        } finally {
          ended.push("async");
        }
      },
    } as const;
    for (const spec of [endless, endlessAsync]) expect((await readSource(spec, 5)).rows).toHaveLength(5);
    expect(ended).toEqual(["sync", "async"]);
  });

  test("stop waiting for a generator when the task is cancelled", async () => {
    const stop = new AbortController();
    const spec = {
      kind: "generate",
      shards: 1,
      async *fn() {
        yield 1;
        stop.abort(new Error("cancelled"));
        await new Promise(() => undefined);
      },
    } as const;
    const scope = scopeFor(spec, 0, stop.signal);
    const head = { kind: "source", node: 0, splits: [{ kind: "shard" }] } as const;
    await expect(runSourceHead(scope, head, gatherer(scope.rows))).rejects.toThrow("cancelled");
    expect(scope.rows).toEqual([1]);
  });

  test("name the step when a generator throws or gives nothing that can be read", async () => {
    const thrower = () => {
      throw new Error("boom");
    };
    async function* late(): AsyncGenerator<number> {
      yield 1;
      throw new Error("late boom");
    }
    for (const [fn, text] of [
      [thrower, "boom"],
      [late, "late boom"],
      [() => 5, "must return an iterable"],
    ] as const) {
      const message = await messageOf({ kind: "generate", shards: 1, fn });
      expect(message).toContain("Cannot run generate at flow.ts:3");
      expect(message).toContain(text);
    }
  });
});

function encoded(rows: readonly unknown[], format: SinkFormat): Uint8Array {
  const spec = { kind: "sink", path: "out", format, isSingle: false, overwrite: false } as const;
  const pieces: Uint8Array[] = [];
  const encoder = createSinkEncoder(scopeFor(spec), nodeFor(spec), { write: (bytes) => pieces.push(bytes) });
  for (const row of rows) encoder.row(row);
  encoder.finish();
  return new Uint8Array(Buffer.concat(pieces));
}
