/**
 * Data that is far larger than the memory of the workers, in real processes (G7): results
 * are right, and no process takes much more than its budget. A slow reader holds the writer back.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { PEAKS, runProgram, tell } from "./data_run.ts";
import { Folder } from "./executable.ts";

const MIB = 2 ** 20;
const MEMORY = "64MiB";
/** Of each worker: its budget, and what the runtime, code and batches under way take beside it. */
const PEAK_MIB = 32 + 280;

const folder = new Folder({ "peaks.ts": PEAKS });
afterAll(() => folder[Symbol.dispose]());

/** 1.2 M rows of 400 bytes: seven times the memory of all workers. */
const PROGRAM = `
import { flow, run, type FlowBuilder } from "luciole";
import { peaks } from "./peaks.ts";

const ROWS = 1_200_000;
const PAD = "x".repeat(380);
/** Bijective on 32 bits, so that keys come in no order. */
const mix = (n: number) => Math.imul(n ^ (n >>> 16), 0x45d9f3b) >>> 0;
const data = (f: FlowBuilder, distinct = ROWS) =>
  f.range(ROWS, { shards: 8 }).map((n): [string, string] => [String(mix(n % distinct)).padStart(10, "0"), PAD + (n % distinct)]);

const flows = {
  sort: flow("sort", (f) => {
    const sorted = data(f).sortByKey();
    const checked = sorted.mapShards(async function* (rows) {
      let [count, first, last, isOrdered] = [0, "", "", true];
      for await (const [key] of rows) {
        if (count === 0) first = key;
        if (key < last) isOrdered = false;
        last = key;
        count++;
      }
      if (count > 0) yield { count, first, last, isOrdered };
    });
    return checked;
  }),
  group: flow("group", (f) => {
    const sizes = data(f, 300_000).groupByKey().map(([, values]) => (new Set(values).size === 1 ? values.length : -1));
    return sizes.stats();
  }),
  distinct: flow("distinct", (f) => {
    const counted = data(f, 600_000).map(([key, text]) => key + text).distinct().count();
    return counted;
  }),
  join: flow("join", (f) => {
    const left = data(f).filter(([, text]) => Number(text.slice(380)) % 2 === 0);
    const right = data(f).filter(([, text]) => Number(text.slice(380)) % 3 === 0);
    const joined = left.join(right, { strategy: "hash" }).map(([, [a, b]]) => Number(a === b));
    return joined.stats();
  }),
  "sort-merge join": flow("sort-merge join", (f) => {
    const left = data(f).filter(([, text]) => Number(text.slice(380)) % 2 === 0);
    const right = data(f).filter(([, text]) => Number(text.slice(380)) % 3 === 0);
    const joined = left.join(right, { strategy: "sort-merge" }).map(([, [a, b]]) => Number(a === b));
    return joined.stats();
  }),
};

await run(async (job) => {
  const start = performance.now();
  const rows = await (await job.execute(flows[job.args[0] as "sort"])).collect();
  console.log(JSON.stringify({ rows, peaks: peaks(), ms: performance.now() - start }));
});
`;

interface Outcome {
  readonly rows: readonly Record<string, unknown>[];
  readonly peaks: readonly number[];
  readonly ms: number;
}

interface SortedShard {
  readonly count: number;
  readonly first: string;
  readonly last: string;
  readonly isOrdered: boolean;
}

function expectSorted(rows: readonly unknown[]): void {
  const shards = rows as readonly SortedShard[];
  expect(shards.every((shard) => shard.isOrdered)).toBe(true);
  expect(shards.slice(1).every(({ first }, i) => shards[i].last <= first)).toBe(true);
  expect(shards.reduce((sum, { count }) => sum + count, 0)).toBe(1_200_000);
}

const EXPECTED: Readonly<Record<string, (rows: readonly unknown[]) => void>> = {
  sort: expectSorted,
  group: (rows) => expect(rows).toMatchObject([{ count: 300_000, min: 4, max: 4 }]),
  distinct: (rows) => expect(rows).toEqual([600_000]),
  join: (rows) => expect(rows).toMatchObject([{ count: 200_000, min: 1 }]),
  "sort-merge join": (rows) => expect(rows).toMatchObject([{ count: 200_000, min: 1 }]),
};

describe("G7: data beyond the memory budget", () => {
  test.each(Object.keys(EXPECTED))(
    "%s spills, gives the right rows and stays near its budget",
    async (name) => {
      const { result } = await runProgram<Outcome>(folder, PROGRAM, { memory: MEMORY, args: [name] });
      const { rows, peaks, ms } = result;
      tell(name, { ms: Math.round(ms), "peak MiB": peaks.map(Math.round).join(" and ") });
      EXPECTED[name](rows);
      expect(peaks).toHaveLength(2);
      expect(Math.max(...peaks)).toBeLessThan(PEAK_MIB);
    },
    120_000,
  );
});

const ALLOCATOR = `
import { flow, run } from "luciole";

const setting = flow("setting", (f) => f.range(1).map(() => process.env.MIMALLOC_PURGE_DELAY ?? "default"));
await run(async (job) => {
  console.log(JSON.stringify(await (await job.execute(setting)).collect()));
});
`;

test("a worker with plenty of memory keeps what is free of it, one with little gives it back", async () => {
  expect((await runProgram(folder, ALLOCATOR, { memory: "2GiB" })).result).toEqual(["-1"]);
  expect((await runProgram(folder, ALLOCATOR, { memory: MEMORY })).result).toEqual(["default"]);
});

/** Two gigabytes, of which the reader takes a few thousand rows, ten at a time. */
const SLOW_READER = `
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { flow, run } from "luciole";
import { peaks } from "./peaks.ts";

const ROW = "x".repeat(1000);
const flows = {
  map: flow("map", (f) => {
    const rows = f.range(2_000_000, { shards: 2 }).map((n) => ROW + n);
    return rows;
  }),
  mapShards: flow("mapShards", (f) => {
    const rows = f.range(2, { shards: 2 }).mapShards(async function* () {
      for (let n = 0; n < 1_000_000; n++) yield ROW + n;
    });
    return rows;
  }),
};

function bytesOnDisk(): number {
  let sum = 0;
  for (const entry of readdirSync(process.env.TMPDIR ?? "", { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && entry.parentPath.includes("luciole")) sum += statSync(join(entry.parentPath, entry.name)).size;
  }
  return sum;
}

await run(async (job) => {
  const { outputs, done, cancel } = job.start(flows[job.args[0] as "map"]);
  done.catch(() => undefined);
  let [rows, ahead] = [0, 0];
  for await (const row of outputs) {
    rows++;
    if (rows % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    if (rows % 100 === 0) ahead = Math.max(ahead, bytesOnDisk() - rows * row.length);
    if (rows === 3000) break;
  }
  const peak = Math.max(...peaks());
  cancel();
  console.log(JSON.stringify({ rows, ahead, peak }));
});
`;

describe("G7: a slow reader of a streamed output", () => {
  test.each(["map", "mapShards"])(
    "holds %s back: little lies on the disk or in memory ahead of it",
    async (name) => {
      const run = runProgram<{ rows: number; ahead: number; peak: number }>(folder, SLOW_READER, {
        args: [name],
      });
      const { rows, ahead, peak } = (await run).result;
      tell(`slow reader of ${name}`, { "MiB ahead": Math.round(ahead / MIB), "peak MiB": Math.round(peak) });
      expect(rows).toBe(3000);
      expect(ahead).toBeGreaterThan(0);
      expect(ahead).toBeLessThan(64 * MIB);
      expect(peak).toBeLessThan(250);
    },
    60_000,
  );
});
