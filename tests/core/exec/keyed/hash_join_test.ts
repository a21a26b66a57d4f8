import { describe, expect, test } from "bun:test";
import { createBroadcastJoin } from "../../../../core/exec/keyed/broadcast_join.ts";
import { runHashJoin } from "../../../../core/exec/keyed/hash_join.ts";
import type { Head } from "../../../../core/plan/physical.ts";
import { randomNumbers } from "../../../simulation/random.ts";
import { batchesOf, Collector, feed, graphOf, MemoryPorts, memoryScope } from "../memory_ports.ts";
import { groupPairs, type KeyKind, keyText, randomPairs, SEED } from "../random_rows.ts";

type How = (Head & { readonly kind: "join" })["how"];
type Pair = [unknown, unknown];
const KINDS: readonly KeyKind[] = ["string", "number", "tuple", "object", "mixed"];
const GRAPH = graphOf({ kind: "join", how: "inner", strategy: "hash" });

/** Rows of a join in the order that the engine documents. */
function oracle(left: readonly Pair[], right: readonly Pair[], how: How): unknown[] {
  const groups = groupPairs(right);
  const rows: unknown[] = [];
  const matched = new Set<string>();
  for (const [key, value] of left) {
    const group = groups.get(keyText(key));
    if (group !== undefined) matched.add(keyText(key));
    if (group === undefined && (how === "left" || how === "full"))
      rows.push([keyText(key), [value, undefined]]);
    for (const other of group?.values ?? []) rows.push([keyText(key), [value, other]]);
  }
  if (how !== "right" && how !== "full") return rows;
  for (const [text, group] of groups) {
    if (!matched.has(text)) for (const value of group.values) rows.push([text, [undefined, value]]);
  }
  return rows;
}

interface JoinOptions {
  readonly how: How;
  readonly memoryBytes?: number;
  readonly isRemote?: boolean;
}

async function join(left: readonly Pair[], right: readonly Pair[], options: JoinOptions) {
  const { how, memoryBytes = 64 << 20, isRemote = false } = options;
  const ports = new MemoryPorts({ memoryBytes, isRemote, batchRows: 100 });
  const half = Math.floor(left.length / 2);
  const pieces = [
    [ports.addPiece("l0", left.slice(0, half)), ports.addPiece("l1", left.slice(half))],
    [ports.addPiece("r0", right)],
  ];
  const scope = memoryScope({ graph: GRAPH, ports, input: { pieces, sides: {} } });
  const head = { kind: "join", node: 0, how, strategy: "hash", left: EDGE, right: EDGE } as const;
  const out = new Collector();
  await runHashJoin(scope, head, out);
  ports.assertNoLeak();
  return { rows: texts(out.rows), spills: ports.createdSpillFiles };
}

const EDGE = { from: { kind: "group", group: 0 }, mode: "partition" } as const;

function texts(rows: readonly unknown[]): unknown[] {
  return (rows as Pair[]).map(([key, sides]) => [keyText(key), sides]);
}

function sorted(rows: readonly unknown[]): string[] {
  return rows.map((row) => Bun.inspect(row)).sort();
}

describe("runHashJoin()", () => {
  for (const kind of KINDS) {
    test(`runHashJoin() agrees with a plain oracle for ${kind} keys, in its order`, async () => {
      const random = randomNumbers(SEED);
      const left = randomPairs(random, { kind, rows: 1500, distinct: 500 });
      const right = randomPairs(random, { kind, rows: 700, distinct: 700 });
      for (const how of ["inner", "left", "right", "full"] as const) {
        const { rows } = await join(left, right, { how });
        expect(rows, `seed ${SEED}`).toEqual(oracle(left, right, how));
      }
    });

    test(`runHashJoin() gives the same rows for ${kind} keys when the built side spills`, async () => {
      const random = randomNumbers(SEED + 1);
      const left = randomPairs(random, { kind, rows: 800, distinct: 500 });
      const right = randomPairs(random, { kind, rows: 900, distinct: 700 });
      for (const how of ["inner", "left", "right", "full"] as const) {
        for (const [memoryBytes, levels] of [
          [6000, 1],
          [1000, 2],
        ]) {
          const { rows, spills } = await join(left, right, { how, memoryBytes });
          expect(spills).toBeGreaterThanOrEqual(2 * levels);
          expect(sorted(rows), `seed ${SEED + 1}`).toEqual(sorted(oracle(left, right, how)));
        }
      }
    });
  }

  test("runHashJoin() emits a key's many partners in bounded batches", async () => {
    const left = Array.from({ length: 300 }, (_, i): Pair => ["k", i]);
    const right = Array.from({ length: 500 }, (_, i): Pair => ["k", `r${i}`]);
    const { rows } = await join(left, right, { how: "inner", isRemote: true });
    expect(rows.length).toBe(150_000);
    expect(rows[0]).toEqual(["string k", [0, "r0"]]);
    expect(rows.at(-1)).toEqual(["string k", [299, "r499"]]);
  });

  test("runHashJoin() keeps null apart from a missing side", async () => {
    const { rows } = await join(
      [
        ["a", null],
        ["b", 1],
      ],
      [
        ["a", null],
        ["c", undefined],
      ],
      { how: "full" },
    );
    expect(rows).toEqual([
      ["string a", [null, null]],
      ["string b", [1, undefined]],
      ["string c", [undefined, undefined]],
    ]);
  });

  test("runHashJoin() joins empty sides", async () => {
    expect((await join([], [], { how: "full" })).rows).toEqual([]);
    expect((await join([["a", 1]], [], { how: "left" })).rows).toEqual([["string a", [1, undefined]]]);
    expect((await join([], [["a", 1]], { how: "right" })).rows).toEqual([["string a", [undefined, 1]]]);
    expect((await join([["a", 1]], [], { how: "cogroup" })).rows).toEqual([["string a", [[1], []]]]);
  });

  test("cogroup gives both lists of every key, also when it spills", async () => {
    const random = randomNumbers(SEED + 2);
    for (const kind of KINDS) {
      const left = randomPairs(random, { kind, rows: 600, distinct: 200 });
      const right = randomPairs(random, { kind, rows: 500, distinct: 300 });
      const [a, b] = [groupPairs(left), groupPairs(right)];
      const expected = [...new Set([...a.keys(), ...b.keys()])].map((text) => [
        text,
        [a.get(text)?.values ?? [], b.get(text)?.values ?? []],
      ]);
      expect((await join(left, right, { how: "cogroup" })).rows, `seed ${SEED + 2}`).toEqual(expected);
      const small = await join(left, right, { how: "cogroup", memoryBytes: 5000 });
      expect(small.spills).toBeGreaterThan(1);
      expect(sorted(small.rows)).toEqual(sorted(expected));
    }
  });

  test("runHashJoin() names the join when a row is no pair", async () => {
    const bad = join([5 as never], [["a", 1]], { how: "inner" });
    expect(bad).rejects.toThrow("Cannot run join at /home/user/job.ts:10: shard 0: Cannot take the key");
    await bad.catch(() => undefined);
  });
});

describe("createBroadcastJoin()", () => {
  const random = randomNumbers(SEED + 3);
  const big = randomPairs(random, { kind: "mixed", rows: 900, distinct: 300 });
  const small = randomPairs(random, { kind: "mixed", rows: 80, distinct: 300 });

  async function broadcast(
    how: "inner" | "left" | "right",
    streamed: "left" | "right",
    feeding: "rows" | "batches",
  ) {
    const ports = new MemoryPorts();
    const out = new Collector();
    const step = { op: "broadcastJoin", node: 0, how, streamed, side: { ...EDGE, mode: "all" } } as const;
    const scope = memoryScope({ graph: GRAPH, ports });
    await feed(createBroadcastJoin({ scope, step, side: batchesOf(small), next: out }), big, feeding);
    return texts(out.rows);
  }

  for (const feeding of ["rows", "batches"] as const) {
    test(`createBroadcastJoin() agrees with a plain oracle when fed ${feeding}`, async () => {
      expect(await broadcast("inner", "left", feeding), `seed ${SEED + 3}`).toEqual(
        oracle(big, small, "inner"),
      );
      expect(await broadcast("left", "left", feeding)).toEqual(oracle(big, small, "left"));
      const swapped = oracle(big, small, "left").map((row) => {
        const [key, [a, b]] = row as [string, [unknown, unknown]];
        return [key, [b, a]];
      });
      expect(await broadcast("right", "right", feeding)).toEqual(swapped);
    });
  }

  test("createBroadcastJoin() hands on single rows when somebody waits for them", () => {
    const out = new Collector();
    const step = {
      op: "broadcastJoin",
      node: 0,
      how: "inner",
      streamed: "left",
      side: { ...EDGE, mode: "all" },
    } as const;
    const scope = memoryScope({ graph: GRAPH, ports: new MemoryPorts() });
    const side = batchesOf([["a", 1]]);
    const join = createBroadcastJoin({ scope, step, side, next: out });
    join.row(["a", 2]);
    expect(out.rows).toEqual([]);
    join.flush?.();
    expect(out.rows).toEqual([["a", [2, 1]]]);
  });

  test("createBroadcastJoin() refuses to keep rows of the side", () => {
    expect(broadcast("left", "right", "rows")).rejects.toThrow("Cannot broadcast for a left join");
  });
});
