/** Tests that shares of a shard hold all of it once, in order, and about as much as most shards each. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { TaskGroupPlan } from "../../../core/plan/physical.ts";
import { type LocatedDataset, taskInput } from "../../../core/plan/pieces.ts";
import {
  divisibleInputs,
  type RunSample,
  type Share,
  sharesOfRange,
  sharesOfShard,
  sortRunSamples,
  typicalBytes,
} from "../../../core/plan/shares.ts";
import { chooseSplitters, taskRange } from "../../../core/plan/splitters.ts";
import type { ChunkMark } from "../../../core/schedule/report.ts";
import { edge, type GroupOptions, planOf } from "../schedule/plans.ts";

const SEED = Number(process.env.ORACLE_SEED ?? 1);

test(`sharesOfShard() parts what the tasks wrote into stretches in a row, seed ${SEED}`, () => {
  const sizes = fc.array(fc.nat(1000), { minLength: 1, maxLength: 40 });
  const property = fc.property(
    sizes,
    fc.nat(500),
    fc.integer({ min: 1, max: 2000 }),
    (list, otherBytes, typical) => {
      const shares = sharesOfShard({ written: Float64Array.from(list), otherBytes, input: 0 }, typical);
      let next = 0;
      for (const share of shares) {
        if (share.kind !== "tasks") throw new Error("it is not cut by tasks");
        expect(share.from).toBe(next);
        expect(share.to).toBeGreaterThan(share.from);
        next = share.to;
      }
      expect(next).toBe(shares.length === 0 ? 0 : list.length);
      expect(shares.length).not.toBe(1);
    },
  );
  fc.assert(property, { seed: SEED, numRuns: 500 });
});

test("sharesOfShard() gives shares of at most twice the typical size when tasks wrote alike", () => {
  for (const tasks of [8, 16, 100]) {
    for (const times of [2.1, 3, 5.5, 8]) {
      const typical = 1e6;
      const written = new Float64Array(tasks).fill((times * typical) / tasks);
      const shares = sharesOfShard({ written, otherBytes: 1000, input: 0 }, typical);
      const bytes = shares.map((share) =>
        share.kind === "tasks" ? (share.to - share.from) * written[0] : 0,
      );
      expect(Math.max(...bytes)).toBeLessThanOrEqual(2 * typical);
      expect(shares.length).toBeLessThanOrEqual(Math.ceil(times));
    }
  }
});

test("sharesOfShard() leaves a shard whole when it is not much larger than most, or the other side is as large", () => {
  const written = new Float64Array(10).fill(100);
  expect(sharesOfShard({ written, otherBytes: 0, input: 0 }, 500)).toEqual([]);
  expect(sharesOfShard({ written, otherBytes: 1000, input: 0 }, 100)).toEqual([]);
  expect(sharesOfShard({ written: Float64Array.of(0, 5000, 0), otherBytes: 0, input: 0 }, 100)).toEqual([]);
});

test("typicalBytes() is the median of what is not empty, and not less than the least", () => {
  expect(typicalBytes(Float64Array.of(0, 0, 10, 30, 1000), 1)).toBe(30);
  expect(typicalBytes(Float64Array.of(5, 9), 1)).toBe(5);
  expect(typicalBytes(Float64Array.of(5, 9), 100)).toBe(100);
  expect(typicalBytes(new Float64Array(3), 1)).toBe(1);
});

/** A task's runs as its tail reports them; the chunks hold [key, task, place]. */
function runsOf(
  runs: readonly (readonly number[])[],
  task: number,
  chunkRows: number,
  compare: typeof ascending,
) {
  const marks: ChunkMark[] = [];
  const chunks: [number, number, number][][] = [];
  let place = 0;
  for (const [run, keys] of runs.entries()) {
    const sorted = [...keys].sort(compare);
    for (let i = 0; i < sorted.length; i += chunkRows) {
      marks.push({ run, firstKey: sorted[i] });
      chunks.push(sorted.slice(i, i + chunkRows).map((key) => [key, task, place++]));
    }
  }
  return { marks, chunks };
}

const ascending = (a: unknown, b: unknown) => Number(a) - Number(b);
const descending = (a: unknown, b: unknown) => Number(b) - Number(a);

test(`sharesOfRange() cuts within equal keys, and the shares in a row are the stable merge, seed ${SEED}`, () => {
  const run = fc.array(fc.oneof(fc.constant(5), fc.integer({ min: 0, max: 10 })), { maxLength: 40 });
  const tasksOfRuns = fc.array(fc.array(run, { maxLength: 3 }), { minLength: 1, maxLength: 6 });
  let divided = 0;
  const property = fc.property(
    tasksOfRuns,
    fc.integer({ min: 1, max: 6 }),
    fc.integer({ min: 2, max: 6 }),
    fc.boolean(),
    (lists, chunkRows, shards, isDescending) => {
      const compare = isDescending ? descending : ascending;
      const tasks = lists.map((runs, task) => runsOf(runs, task, chunkRows, compare));
      const splitters = chooseSplitters(
        tasks.map((task) => task.marks),
        shards,
        compare,
      );
      const samples = tasks.flatMap(({ marks }, task): RunSample[] =>
        marks.map(({ firstKey }) => ({ key: firstKey, task, bytes: 10 })),
      );
      sortRunSamples(samples, compare);
      const read: [number, number, number][] = [];
      for (let shard = 0; shard < shards; shard += 1) {
        const bounds = taskRange(splitters, shard);
        const own = samples.filter(
          ({ key }) =>
            (bounds.lower === undefined || compare(key, bounds.lower.key) >= 0) &&
            (bounds.upper === undefined || compare(key, bounds.upper.key) < 0),
        );
        const shares = sharesOfRange(own, 20, compare);
        divided += shares.length;
        for (const share of shares.length === 0 ? [undefined] : shares) {
          read.push(...readShare(tasks, { shard, shards, share, compare, bounds }));
        }
      }
      const all = tasks.flatMap(({ chunks }) => chunks.flat());
      all.sort((a, b) => compare(a[0], b[0]) || a[1] - b[1] || a[2] - b[2]);
      expect(read).toEqual(all);
    },
  );
  fc.assert(property, { seed: SEED, numRuns: 500 });
  expect(divided).toBeGreaterThan(100);
});

interface Reading {
  readonly shard: number;
  readonly shards: number;
  readonly share: Share | undefined;
  readonly compare: typeof ascending;
  readonly bounds: ReturnType<typeof taskRange>;
}

/** Reads what the pieces of a task name, as a merge does. */
function readShare(
  tasks: readonly ReturnType<typeof runsOf>[],
  { shard, shards, share, compare, bounds }: Reading,
): [number, number, number][] {
  const order = { node: 1, by: "row", descending: false } as const;
  const head = { kind: "merge", input: edge(0, "range"), order, hasKeyColumn: false } as const;
  const plan = planOf([{ tasks: shards, head }], []).groups[0];
  const dataset: LocatedDataset = {
    shards: tasks.length,
    shard: (index) => ({
      agent: "a",
      attempt: String(index),
      isCommitted: true,
      report: { partitions: [], marks: tasks[index].marks },
    }),
  };
  const facts = { range: { bounds, compare }, ...(share === undefined ? {} : { share }) };
  const { pieces, lower, upper } = taskInput(plan, shard, () => dataset, facts);
  const rows: [number, number, number][] = [];
  for (const { attempt, chunks, excludesLower, includesUpper } of pieces[0]) {
    for (const row of tasks[Number(attempt)].chunks.slice(chunks?.from, chunks?.to).flat()) {
      const low = lower === undefined ? 1 : compare(row[0], lower.key);
      const high = upper === undefined ? -1 : compare(row[0], upper.key);
      if ((excludesLower ? low > 0 : low >= 0) && (includesUpper ? high <= 0 : high < 0)) rows.push(row);
    }
  }
  return rows.sort((a, b) => compare(a[0], b[0]) || a[1] - b[1] || a[2] - b[2]);
}

const groupOf = (options: GroupOptions): TaskGroupPlan => planOf([options], []).groups[0];
const joinOf = (how: "inner" | "left" | "right" | "full" | "cogroup", left = edge(0, "partition")) =>
  ({ kind: "join", node: 1, how, strategy: "hash", left, right: edge(1, "partition") }) as const;

test("divisibleInputs() takes only the sides of a join whose rows find all their partners", () => {
  const sides = (["inner", "left", "right", "full", "cogroup"] as const).map((how) =>
    divisibleInputs(groupOf({ tasks: 4, head: joinOf(how) })),
  );
  expect(sides).toEqual([[0, 1], [0], [1], [], []]);
  expect(divisibleInputs(groupOf({ tasks: 4, head: joinOf("inner", edge(0, "forward")) }))).toEqual([1]);
});

test("divisibleInputs() leaves shards whole when a step sees all rows of one, or the user counts them", () => {
  const inputs = [edge(0, "partition")];
  const read = (steps: GroupOptions["steps"]) => divisibleInputs(groupOf({ tasks: 4, inputs, steps }));
  expect(read([{ op: "map", node: 1 }])).toEqual([0]);
  expect(read([{ op: "combine", node: 1, phase: "partial", key: "pair" }])).toEqual([0]);
  for (const phase of ["merge", "complete"] as const) {
    expect(read([{ op: "combine", node: 1, phase, key: "pair" }])).toEqual([]);
    expect(read([{ op: "fold", node: 1, phase }])).toEqual([]);
  }
  for (const op of ["mapShards", "pipe", "sample", "lines"] as const)
    expect(read([{ op, node: 1 }])).toEqual([]);
  expect(read([{ op: "group", node: 1 }])).toEqual([]);
  expect(read([{ op: "index", node: 1 }])).toEqual([]);
  const sink = groupOf({ tasks: 4, inputs, tail: { kind: "sink", node: 1 } });
  expect(divisibleInputs(sink)).toEqual([0]);
  expect(divisibleInputs({ ...sink, hasDemandedShards: true })).toEqual([]);
  expect(divisibleInputs(groupOf({ tasks: 1, inputs }))).toEqual([]);
});
