import { describe, expect, test } from "bun:test";
import { CancelledError, LucioleError } from "../../../core/errors.ts";
import type { SideContext } from "../../../core/exec/context.ts";
import { KeptTable } from "../../../core/exec/keyed/kept_table.ts";
import { runTaskGroup } from "../../../core/exec/task.ts";
import type { Graph, NodeSpec, UserFunction } from "../../../core/graph/node.ts";
import type { Head, InputEdge, StepPlan, Tail, TaskInput } from "../../../core/plan/physical.ts";
import { graphOf, MemoryPorts, memoryContext, planOf, READ } from "./memory_ports.ts";

interface RunOptions {
  readonly ports: MemoryPorts;
  readonly graph: Graph;
  readonly head?: Head;
  readonly steps?: readonly StepPlan[];
  readonly tail?: Tail;
  readonly input: TaskInput;
  readonly kept?: KeptTable;
}

function run({ ports, graph, head = READ, steps = [], tail = { kind: "store" }, input, kept }: RunOptions) {
  const context = memoryContext(ports, 1);
  return runTaskGroup({ graph, plan: planOf(head, steps, tail), task: 1, input, context, ports, kept });
}

function closure(kind: "map" | "filter" | "forEach", fn: UserFunction, hasSide = false): NodeSpec {
  return { kind, fn, hasSide };
}

const EDGE: InputEdge = { from: { kind: "group", group: 0 }, mode: "forward" };
const WORDS = Array.from({ length: 10_000 }, (_, i) => `w${i % 1234}`);

describe("runTaskGroup()", () => {
  test("runTaskGroup() rejects once, and nothing else does, when it is cancelled in its first breath", async () => {
    const breath = Promise.withResolvers<void>();
    const ports = Object.assign(new MemoryPorts(), { breathe: () => breath.promise });
    let calls = 0;
    const graph = graphOf(closure("map", () => calls++));
    const input = { pieces: [[ports.addPiece("a", [1])]], sides: {} };
    const running = run({ ports, graph, steps: [{ op: "map", node: 0 }], input });
    ports.controller.abort();
    breath.resolve();
    await expect(running).rejects.toBeInstanceOf(CancelledError);
    expect(calls).toBe(0);
  });

  test("runTaskGroup() writes the rows of all pieces in order and reports them when it reads shards", async () => {
    for (const isRemote of [false, true]) {
      const ports = new MemoryPorts({ isRemote });
      const input = {
        pieces: [[ports.addPiece("a", [1, 2]), ports.addPiece("b", [])], [ports.addPiece("c", [3])]],
        sides: {},
      };
      const graph = graphOf(closure("map", (n: number) => n * 10));
      const report = await run({ ports, graph, steps: [{ op: "map", node: 0 }], input });
      expect(ports.written()).toEqual([10, 20, 30]);
      expect(report.partitions.map(({ rows, chunks }) => ({ rows, chunks }))).toEqual([
        { rows: 3, chunks: 1 },
      ]);
      expect(report.partitions[0].bytes).toBeGreaterThan(0);
      expect(ports.lastReport).toMatchObject({ rowsIn: 3, rowsOut: 3, bytesOut: report.partitions[0].bytes });
      ports.assertNoLeak();
    }
  });

  test("runTaskGroup() counts words over an exchange when groups follow each other", async () => {
    const graph = graphOf({ kind: "words" }, { kind: "countByValue" });
    const partial = { op: "combine", node: 1, phase: "partial", key: "row" } as const;
    const merge = { op: "combine", node: 1, phase: "merge", key: "pair" } as const;
    const first: MemoryPorts[] = [];
    for (let task = 0; task < 3; task++) {
      const ports = new MemoryPorts();
      const lines = WORDS.filter((_, i) => i % 3 === task).map((word) => ` ${word}  ${word}`);
      const input = { pieces: [[ports.addPiece("in", lines)]], sides: {} };
      const steps = [{ op: "words", node: 0 } as const, partial];
      await run({ ports, graph, steps, tail: { kind: "hash", partitions: 2, key: "pair" }, input });
      first.push(ports);
    }
    const counts = new Map<unknown, unknown>();
    for (let partition = 0; partition < 2; partition++) {
      const ports = new MemoryPorts({ memoryBytes: 20_000 });
      const pieces = first.map((each, i) => ports.addPiece(`p${i}`, each.written(partition)));
      await run({ ports, graph, steps: [merge], input: { pieces: [pieces], sides: {} } });
      for (const [word, n] of ports.written() as [unknown, unknown][]) {
        expect(counts.has(word)).toBe(false);
        counts.set(word, n);
      }
      ports.assertNoLeak();
    }
    const expected = new Map<unknown, unknown>();
    for (const word of WORDS) expected.set(word, ((expected.get(word) as number | undefined) ?? 0) + 2);
    expect(counts).toEqual(expected);
  });

  test("runTaskGroup() gives closures their side before rows flow, and the others the plain context", async () => {
    const ports = new MemoryPorts();
    const graph = graphOf(
      closure("map", (n: number, ctx: SideContext<number>) => n + ctx.side.reduce((a, b) => a + b), true),
      closure("filter", (_, ctx) => {
        ctx.log(`shard ${ctx.shard}`);
        return !("side" in ctx);
      }),
    );
    const input = { pieces: [[ports.addPiece("a", [1, 2])]], sides: { 0: [ports.addPiece("s", [10, 20])] } };
    const steps = [{ op: "map", node: 0, side: EDGE } as const, { op: "filter", node: 1 } as const];
    await run({ ports, graph, steps, input });
    expect(ports.written()).toEqual([31, 32]);
    expect(ports.logs).toEqual(["shard 1", "shard 1"]);
  });

  test("runTaskGroup() joins with the head and with a broadcast side alike", async () => {
    const graph = graphOf({ kind: "join", how: "inner", strategy: "auto" });
    const [left, right] = [
      [
        ["a", 1],
        ["b", 2],
        ["a", 3],
      ],
      [
        ["a", "x"],
        ["c", "y"],
      ],
    ];
    const expected = [
      ["a", [1, "x"]],
      ["a", [3, "x"]],
    ];
    const ports = new MemoryPorts();
    const head = { kind: "join", node: 0, how: "inner", strategy: "hash", left: EDGE, right: EDGE } as const;
    await run({
      ports,
      graph,
      head,
      input: { pieces: [[ports.addPiece("l", left)], [ports.addPiece("r", right)]], sides: {} },
    });
    expect(ports.written()).toEqual(expected);
    const other = new MemoryPorts();
    const step = { op: "broadcastJoin", node: 0, how: "inner", streamed: "left", side: EDGE } as const;
    const input = { pieces: [[other.addPiece("l", left)]], sides: { 0: [other.addPiece("r", right)] } };
    await run({ ports: other, graph, steps: [step], input });
    expect(other.written()).toEqual(expected);
    ports.assertNoLeak();
    other.assertNoLeak();
  });

  test("runTaskGroup() builds a committed side once for the tasks of a worker, and anew when it is another one", async () => {
    const graph = graphOf({ kind: "join", how: "left", strategy: "auto" });
    const step = { op: "broadcastJoin", node: 0, how: "left", streamed: "left", side: EDGE } as const;
    const kept = new KeptTable();
    const task = async (
      rows: [string, number][],
      side: [string, unknown][],
      isCommitted: boolean,
      attempt: string,
    ) => {
      const ports = new MemoryPorts();
      const piece = { ...ports.addPiece(attempt, side), isCommitted };
      await run({
        ports,
        graph,
        steps: [step],
        kept,
        input: { pieces: [[ports.addPiece("rows", rows)]], sides: { 0: [piece] } },
      });
      ports.assertNoLeak();
      return ports.written();
    };
    const rows: [string, number][] = [
      ["a", 1],
      ["b", 2],
    ];
    expect(await task(rows, [["a", "x"]], true, "first")).toEqual([
      ["a", [1, "x"]],
      ["b", [2, undefined]],
    ]);
    // What the second task would read is not read: the attempt's name says that it is the same.
    expect(
      await task(
        [
          ["b", 3],
          ["a", 4],
        ],
        [],
        true,
        "first",
      ),
    ).toEqual([
      ["b", [3, undefined]],
      ["a", [4, "x"]],
    ]);
    expect(await task(rows, [["b", "y"]], true, "second")).toEqual([
      ["a", [1, undefined]],
      ["b", [2, "y"]],
    ]);
    expect(await task(rows, [["b", "z"]], false, "third")).toEqual([
      ["a", [1, undefined]],
      ["b", [2, "z"]],
    ]);
    expect(await task(rows, [["a", "w"]], false, "third")).toEqual([
      ["a", [1, "w"]],
      ["b", [2, undefined]],
    ]);
    kept.clear();
    expect(await task(rows, [], true, "second")).toEqual([
      ["a", [1, undefined]],
      ["b", [2, undefined]],
    ]);
  });

  test("runTaskGroup() stops reading when a limit is reached", async () => {
    const ports = new MemoryPorts();
    let seen = 0;
    const graph = graphOf(
      closure("map", (n: number) => ++seen && n),
      { kind: "limit", n: 5, isFirst: false },
    );
    const rows = Array.from({ length: 50_000 }, (_, i) => i);
    const input = { pieces: [[ports.addPiece("a", rows)]], sides: {} };
    const steps = [{ op: "map", node: 0 } as const, { op: "limit", node: 1, n: 5 } as const];
    await run({ ports, graph, steps, input });
    expect(ports.written()).toEqual([0, 1, 2, 3, 4]);
    expect({ batches: ports.batchesRead, seen }).toEqual({ batches: 1, seen: 5 });
    ports.assertNoLeak();
  });

  test("runTaskGroup() ends with CancelledError and leaves nothing when it is cancelled half way", async () => {
    const ports = new MemoryPorts({ memoryBytes: 5000 });
    ports.onRead = () => {
      if (ports.batchesRead === 5) ports.controller.abort();
    };
    const input = { pieces: [[ports.addPiece("a", WORDS)]], sides: {} };
    const steps = [{ op: "combine", node: 0, phase: "complete", key: "row" } as const];
    const running = run({ ports, graph: graphOf({ kind: "countByValue" }), steps, input });
    expect(
      await running.then(
        () => undefined,
        (error: unknown) => error,
      ),
    ).toBeInstanceOf(CancelledError);
    expect(ports.batchesRead).toBeLessThan(8);
    expect(ports.createdSpillFiles).toBeGreaterThan(0);
    ports.assertNoLeak();
  });

  test("runTaskGroup() leaves no spill file and no open reader when user code throws", async () => {
    const ports = new MemoryPorts({ memoryBytes: 10_000 });
    const fail = (n: unknown) => {
      if (n === "w1200") throw new Error("boom");
      return [n, 1];
    };
    const graph = graphOf(closure("map", fail), { kind: "groupByKey" });
    const input = { pieces: [[ports.addPiece("a", WORDS)]], sides: {} };
    const steps = [{ op: "map", node: 0 } as const, { op: "group", node: 1 } as const];
    const error = await run({ ports, graph, steps, input }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(String(error)).toContain("Cannot run map at /home/user/job.ts:10: shard 1, row 1200: Error: boom");
    ports.assertNoLeak();
  });

  test("F6: runTaskGroup() tells of a full disk as it is and leaves nothing when it cannot spill", async () => {
    const pairs = WORDS.map((word, i) => [word, i]);
    const joinHead = {
      kind: "join",
      node: 0,
      how: "inner",
      strategy: "hash",
      left: EDGE,
      right: EDGE,
    } as const;
    const cogroupHead = { ...joinHead, how: "cogroup" } as const;
    const group = { op: "group", node: 0 } as const;
    const combine = { op: "combine", node: 0, phase: "complete", key: "pair" } as const;
    for (const created of [0, 1]) {
      for (const [head, steps] of [
        [joinHead, []],
        [cogroupHead, []],
        [READ, [group]],
        [READ, [combine, group]],
      ] as const) {
        const ports = new MemoryPorts({ memoryBytes: 5000 });
        const create = ports.spill.create;
        ports.spill.create = () => {
          if (ports.createdSpillFiles < created) return create();
          throw new LucioleError("disk-full", "Cannot spill: the disk is full");
        };
        const input = { pieces: [[ports.addPiece("a", pairs)], [ports.addPiece("b", pairs)]], sides: {} };
        const graph = graphOf({ kind: "countByKey" });
        const running = run({ ports, graph, head, steps, input });
        const error = await running.then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        const needs = head === READ && steps.length === 1 ? 1 : 2;
        if (created < needs) expect(error).toMatchObject({ code: "disk-full" });
        ports.assertNoLeak();
      }
    }
  });

  test("runTaskGroup() waits for the writer between batches when somebody follows it", async () => {
    const ports = new MemoryPorts();
    let isOpen = true;
    let waits = 0;
    const openWriter = ports.openWriter.bind(ports);
    ports.openWriter = (partitions) => ({
      ...openWriter(partitions),
      drained: () => {
        expect(isOpen).toBe(true);
        if (ports.batchesRead === 0) return undefined;
        isOpen = false;
        waits++;
        return Promise.resolve().then(() => {
          isOpen = true;
        });
      },
    });
    ports.onRead = () => expect(isOpen).toBe(true);
    const input = { pieces: [[ports.addPiece("a", WORDS)]], sides: {} };
    await run({ ports, graph: graphOf(), input });
    expect(waits).toBeGreaterThanOrEqual(10);
  });

  test("runTaskGroup() writes nothing when rows go nowhere", async () => {
    const ports = new MemoryPorts();
    const seen: unknown[] = [];
    const input = { pieces: [[ports.addPiece("a", [1, 2])]], sides: {} };
    const graph = graphOf(closure("forEach", (n) => seen.push(n)));
    const report = await run({
      ports,
      graph,
      steps: [{ op: "forEach", node: 0 }],
      tail: { kind: "discard" },
      input,
    });
    expect({ report, seen, partitions: ports.partitions }).toEqual({
      report: { partitions: [] },
      seen: [1, 2],
      partitions: 0,
    });
  });

  test("runTaskGroup() encodes rows into the staged file when the tail is a sink", async () => {
    const ports = new MemoryPorts();
    const graph = graphOf({
      kind: "sink",
      path: "/out",
      format: { kind: "text" },
      isSingle: false,
      overwrite: false,
    });
    const input = { pieces: [[ports.addPiece("a", ["x", "y"])]], sides: {} };
    const steps = [{ op: "toSink", node: 0 } as const];
    const report = await run({ ports, graph, steps, tail: { kind: "sink", node: 0 }, input });
    expect(Buffer.concat(ports.sinkBytes).toString()).toBe("x\ny\n");
    expect(report.sinkFile).toEqual({ name: "part-00000", rows: 2, bytes: 4 });
  });
});
