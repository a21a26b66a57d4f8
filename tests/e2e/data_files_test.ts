/** Files of every size and kind, read by real processes (G5). */
import { afterAll, expect, test } from "bun:test";
import { closeSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { PEAKS, runProgram, tell } from "./data_run.ts";
import { Folder } from "./executable.ts";

const MIB = 2 ** 20;
const folder = new Folder({ "peaks.ts": PEAKS });
afterAll(() => folder[Symbol.dispose]());

const PROGRAM = `
import { flow, run } from "luciole";
import { peaks } from "./peaks.ts";

const flows = {
  count: flow("count", (f, p: { path: string }) => {
    const matching = f.text(p.path, { shards: 1 }).filter((line) => line.endsWith("7")).count();
    return matching;
  }),
  store: flow("store", (f, p: { path: string }) => {
    const stored = f.text(p.path, { shards: 1 }).cache();
    const read = stored.map((line) => line.length).sum();
    return read;
  }),
  lengths: flow("lengths", (f, p: { path: string }) => {
    const lengths = f.text(p.path).map((line) => [line.length, line.slice(0, 3), line.slice(-3)] as const);
    return lengths;
  }),
  sum: flow("sum", (f, p: { path: string }) => {
    const sum = f.text(p.path).map(Number).stats();
    return sum;
  }),
};

await run(async (job) => {
  const start = performance.now();
  const [name, ...paths] = job.args;
  const rows: unknown[] = [];
  for (const path of paths) {
    try {
      rows.push(await (await job.execute(flows[name as "sum"], { path })).collect());
    } catch (error) {
      rows.push((error as Error).message);
    }
  }
  console.log(JSON.stringify({ rows, ms: performance.now() - start, peak: Math.max(...peaks()) }));
});
`;

interface Outcome {
  readonly rows: readonly unknown[];
  readonly ms: number;
  readonly peak: number;
}

async function read(name: string, ...paths: readonly string[]): Promise<Outcome> {
  const { result } = await runProgram<Outcome>(folder, PROGRAM, { args: [name, ...paths] });
  const { ms, peak } = result;
  tell(`${name} of ${paths.length} inputs`, { ms: Math.round(ms), "peak MiB": Math.round(peak) });
  return result;
}

/** A file of more than a gigabyte: 20 lines over and over, of which two end with 7. */
function writeLarge(name: string, sizeBytes: number): { readonly path: string; readonly lines: number } {
  const path = join(folder.path, name);
  const lines = Array.from({ length: 20 }, (_, i) => `${"x".repeat(90)} ${String(i).padStart(8, "0")}\n`);
  const piece = Buffer.from(lines.join("").repeat(1000));
  const file = openSync(path, "w");
  let written = 0;
  while (written < sizeBytes) written += writeSync(file, piece);
  closeSync(file);
  return { path, lines: written / 100 };
}

test("G5: a shard of more than 1 GiB is read, and stored, in little memory", async () => {
  const { path, lines } = writeLarge("large.txt", 1100 * MIB);
  const counted = await read("count", path);
  const stored = await read("store", path);
  rmSync(path);
  expect(counted.rows).toEqual([[lines / 10]]);
  expect(stored.rows).toEqual([[lines * 99]]);
  expect(Math.max(counted.peak, stored.peak)).toBeLessThan(300);
}, 120_000);

test("G5: lines over 64 KB and over 64 MB are read whole", async () => {
  const sizes = [3, 100_000, 70 * MIB, 5];
  const lines = sizes.map((size, i) => `${i}${"x".repeat(size - 3)}${i}${i}`);
  const path = folder.write("long.txt", `${lines.join("\n")}\n`);
  const { rows } = await read("lengths", path);
  rmSync(path);
  expect(rows).toEqual([lines.map((line) => [line.length, line.slice(0, 3), line.slice(-3)])]);
}, 60_000);

test("G5: line ends, compression and emptiness are told by content, whatever the name", async () => {
  const text = "a b\nc d\ne f";
  const contents: Readonly<Record<string, string | Uint8Array>> = {
    no_final_newline: text,
    crlf: "a b\r\nc d\r\ne f\r\n",
    "gzip.txt": gzipSync(text),
    "two_members.dat": Buffer.concat([gzipSync("a b\nc "), gzipSync("d\ne f\n")]),
    "zstd.txt": zstdCompressSync(text),
    "plain.gz": text,
    "plain.zst": `${text}\n`,
  };
  const paths = Object.keys(contents).map((name) => join(folder.path, name));
  for (const [name, content] of Object.entries(contents)) writeFileSync(join(folder.path, name), content);
  const empty = folder.write("empty", "");
  const { rows } = await read("lengths", ...paths, empty);
  const expected = [
    [3, "a b", "a b"],
    [3, "c d", "c d"],
    [3, "e f", "e f"],
  ];
  expect(rows).toEqual([...paths.map(() => expected), []]);
}, 60_000);

test("G5: a glob of ten thousand files is read; what is missing is named", async () => {
  for (let i = 0; i < 10_000; i++) folder.write(`many/${i % 10}/part-${i}.txt`, `${i}\n`);
  const missing = join(folder.path, "missing.txt");
  const nothing = join(folder.path, "many/*.csv");
  const { rows } = await read("sum", join(folder.path, "many/*/part-*.txt"), missing, nothing);
  expect(rows[0]).toMatchObject([{ count: 10_000, sum: (9999 * 10_000) / 2 }]);
  expect(rows[1]).toContain(missing);
  expect(rows[2]).toContain(nothing);
}, 60_000);
