/** G1: sources and sinks on real files, against reading and writing them whole. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import type { Dataset } from "../../core/graph/dataset.ts";
import { anyRows, datasetOf, KEYS, partsOf, value } from "./data.ts";
import { Grid, HALF, SEED } from "./grid.ts";
import { exactText, multiset } from "./plain.ts";

let grid: Grid;
const folder = mkdtempSync(join(tmpdir(), "luciole-oracle-files-"));
beforeAll(async () => {
  grid = await Grid.open();
});
afterAll(async () => {
  await grid[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

let folders = 0;
/** A fresh folder with these files. */
function folderOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const path = join(folder, `${folders++}`);
  mkdirSync(path);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return path;
}

/** A string without the characters that end or quote anything. */
const text = (KEYS["strings, empty and non-ASCII"] as fc.Arbitrary<string>).map((all) =>
  all.replace(/[\r\n\0]/g, "-"),
);
const lines = fc.array(text, { maxLength: 40 });
const splits = (shards: number) => fc.constantFrom({ shards }, { splitBytes: 7 }, { shards, splitBytes: 30 });

describe(`G1 sources, seed ${SEED}`, () => {
  test("text() reads every line once, whatever the splits, line ends and compression", () =>
    grid.holds(
      (shards) => fc.tuple(lines, lines, fc.boolean(), splits(shards)),
      async ({ cluster, data: [first, second, isWindows, split] }) => {
        const end = isWindows ? "\r\n" : "\n";
        const path = folderOf({
          "a.txt": first.map((line) => line + end).join(""),
          "b.txt": second.join(end),
          "c.txt.gz": gzipSync(first.join("\n")),
          "d.txt.zst": zstdCompressSync(`${second.join("\n")}\n`),
          "e.txt": "",
        });
        // A text without a final line end has a last line only when there is something in it.
        const open = (all: readonly string[]) => (all.at(-1) === "" ? all.slice(0, -1) : all);
        const rows = await cluster.collect((f) => f.text(`${path}/*`, split));
        const zstd = second.length === 0 ? [""] : second;
        expect(multiset(rows)).toEqual(multiset([...first, ...open(second), ...open(first), ...zstd]));
      },
      HALF,
    ));

  test("files() lists, and lines() reads what is listed", () =>
    grid.holds(
      (shards) => fc.tuple(fc.array(lines, { minLength: 1, maxLength: 9 }), fc.constant({ shards })),
      async ({ cluster, data: [contents, split] }) => {
        const all = contents.map((own, i) => [`${i}.txt`, own.map((line) => `${line}\n`).join("")] as const);
        const path = folderOf(Object.fromEntries(all));
        const results = await cluster.collectAll((f) => ({
          files: f.files(`${path}/*.txt`, split),
          lines: f.files(`${path}/*.txt`, split).lines({ withPath: true }),
          plain: f.files(`${path}/*.txt`).repartition(3).lines(),
        }));
        expect(results.files).toEqual(all.map(([name]) => join(path, name)).sort());
        const expected = contents.flatMap((own, i) => own.map((line) => [join(path, `${i}.txt`), line]));
        expect(multiset(results.lines)).toEqual(multiset(expected));
        expect(multiset(results.plain)).toEqual(multiset(contents.flat()));
      },
      HALF,
    ));

  test("csv() and jsonl() read records with their types", () =>
    grid.holds(
      (shards) =>
        fc.tuple(
          fc.array(fc.record({ name: text, n: value, half: value.map((n) => n / 2), isOn: fc.boolean() })),
          splits(shards),
        ),
      async ({ cluster, data: [records, split] }) => {
        const quote = (field: string) => `"${field.replaceAll('"', '""')}"`;
        const path = folderOf({
          "a.csv": [
            "name,n,half,isOn",
            ...records.map(({ name, n, half, isOn }) => `${quote(name)},${n},${half},${isOn}`),
          ].join("\n"),
          "a.jsonl": records.map((record) => `${JSON.stringify(record)}\n`).join(""),
        });
        const { csv, some, jsonl } = await cluster.collectAll((f) => ({
          csv: f.csv(join(path, "a.csv"), {
            columns: ["name", "n", "half", "isOn"],
            types: { n: "number", half: "number", isOn: "boolean" },
            ...split,
          }),
          some: f
            .csv(join(path, "a.csv"), { columns: ["half"], types: { half: "number" } })
            .map((row) => row.half),
          jsonl: f.jsonl(join(path, "a.jsonl"), split),
        }));
        const negativeZeroes = records.map((record) => ({
          ...record,
          n: record.n + 0,
          half: record.half + 0,
        }));
        expect(multiset(csv)).toEqual(multiset(negativeZeroes));
        expect(some).toEqual(negativeZeroes.map((record) => record.half));
        expect(multiset(jsonl)).toEqual(multiset(negativeZeroes));
      },
      HALF,
    ));
});

/** The files of an output by name, the manifest left out. */
function partsIn(path: string): Uint8Array[] {
  const names = readdirSync(path);
  expect(names).toContain("_SUCCESS");
  return names
    .filter((name) => name !== "_SUCCESS")
    .sort()
    .map((name) => readFileSync(join(path, name)));
}

describe(`G1 sinks, seed ${SEED}`, () => {
  const record = fc.record({ name: text, n: value, flag: fc.boolean() });

  test("writeText() and writeJsonl() write each row once, in order", () =>
    grid.holds(
      (shards) => fc.tuple(partsOf(record, shards), fc.boolean()),
      async ({ cluster, shards, data: [data, single] }) => {
        const base = folderOf({});
        const rows = data.flat();
        const write = async (
          name: string,
          sink: (
            rows: Dataset<{ name: string; n: number; flag: boolean }>,
            path: string,
          ) => ReturnType<typeof rowsSink>,
        ): Promise<string[]> => {
          const path = join(base, name);
          const result = await cluster.write((f) => sink(datasetOf(f, data), path));
          expect({ name, rows: result.rows }).toEqual({ name, rows: rows.length });
          const parts = single ? [readFileSync(path)] : partsIn(path);
          expect({ name, parts: parts.length }).toEqual({ name, parts: single ? 1 : shards });
          expect(result.bytes).toBe(parts.reduce((sum, part) => sum + part.byteLength, 0));
          return parts.map((part) => new TextDecoder().decode(part));
        };
        const rowsSink = (all: Dataset<{ name: string; n: number }>, path: string) =>
          all.writeText(path, ({ name, n }) => `${n} ${name}`, { single });
        const texts = await write("text", rowsSink);
        expect(texts.join("")).toBe(rows.map(({ name, n }) => `${n} ${name}\n`).join(""));
        const jsonl = await write("jsonl", (all, path) => all.writeJsonl(path, { single }));
        expect(jsonl.join("")).toBe(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
      },
      { every: 3 },
    ));

  test("what writeCsv() wrote, csv() reads back", () =>
    grid.holds(
      (shards) => fc.tuple(partsOf(record, shards), fc.constantFrom(",", ";", "\t")),
      async ({ cluster, data: [data, delimiter] }) => {
        const path = join(folderOf({}), "out");
        await cluster.write((f) => datasetOf(f, data).writeCsv(path, { delimiter }));
        // Shards without rows may have no columns to name in a header.
        const read = await cluster.collect((f) =>
          f.csv(`${path}/part-*`, {
            columns: ["name", "n", "flag"],
            types: { n: "number", flag: "boolean" },
            delimiter,
          }),
        );
        expect(read.map(exactText)).toEqual(data.flat().map(exactText));
      },
      { every: 3 },
    ));

  test("what writeBinary() wrote, binary() reads back: rows of any kind, in order", () =>
    grid.holds(
      (shards) => fc.tuple(anyRows(shards), fc.boolean(), splits(shards)),
      async ({ cluster, data: [data, single, split] }) => {
        const path = join(folderOf({}), "out");
        await cluster.write((f) => datasetOf(f, data).writeBinary(path, { single }));
        const read = await cluster.collect((f) => f.binary(path, split));
        expect(read.map(exactText)).toEqual(data.flat().map(exactText));
      },
      HALF,
    ));

  test("forEach() is called once for each row", () =>
    grid.holds(
      (shards) => partsOf(value, shards),
      async ({ cluster, data }) => {
        const seen: number[] = [];
        const see = (n: number): void => void seen.push(n);
        await cluster.write((f) => datasetOf(f, data).forEach(see));
        expect(multiset(seen)).toEqual(multiset(data.flat()));
      },
      { every: 3 },
    ));
});
