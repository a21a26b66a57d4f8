import { describe, expect, test } from "bun:test";
import { createDiscard } from "../../../../core/exec/tails/discard.ts";
import { createExchange, type ExchangeTail } from "../../../../core/exec/tails/exchange.ts";
import { createStore } from "../../../../core/exec/tails/store.ts";
import type { UserFunction } from "../../../../core/graph/node.ts";
import { hashValue } from "../../../../core/key/hash.ts";
import { randomNumbers } from "../../../simulation/random.ts";
import { batchesOf, feed, graphOf, MemoryPorts, memoryScope } from "../memory_ports.ts";
import { randomPairs, SEED } from "../random_rows.ts";

interface ExchangeOptions {
  readonly fn?: UserFunction;
  readonly memoryBytes?: number;
  readonly task?: number;
  readonly how?: "rows" | "batches";
}

async function exchange(tail: ExchangeTail, rows: readonly unknown[], options: ExchangeOptions = {}) {
  const { fn = () => 0, memoryBytes = 64 << 20, task = 0, how = "batches" } = options;
  const ports = new MemoryPorts({ memoryBytes });
  const graph = graphOf({ kind: "partitionBy", fn, shards: tail.partitions });
  const scope = memoryScope({ graph, ports, task });
  await feed(createExchange(scope, tail, ports.openWriter(tail.partitions)), rows, how, 100);
  return ports;
}

function expectDealt(
  ports: MemoryPorts,
  rows: readonly unknown[],
  partitions: number,
  place: (row: unknown, i: number) => number,
) {
  for (let p = 0; p < partitions; p++) {
    expect(ports.written(p)).toEqual(rows.filter((row, i) => place(row, i) === p));
  }
  for (const chunk of ports.chunks) expect(chunk.rows).toBe(chunk.batch.rows);
}

describe("createExchange()", () => {
  for (const how of ["rows", "batches"] as const) {
    for (const memoryBytes of [64 << 20, 3000]) {
      test(`createExchange() deals rows by hash, in order, fed ${how} with ${memoryBytes} bytes`, async () => {
        const pairs = randomPairs(randomNumbers(SEED), { kind: "mixed", rows: 3000, distinct: 500 });
        const byPair = await exchange({ kind: "hash", partitions: 7, key: "pair" }, pairs, {
          how,
          memoryBytes,
        });
        expectDealt(byPair, pairs, 7, (row) => hashValue((row as unknown[])[0]) % 7);
        const keys = pairs.map(([key]) => key);
        const byRow = await exchange({ kind: "hash", partitions: 5, key: "row" }, keys, { how, memoryBytes });
        expectDealt(byRow, keys, 5, (row) => hashValue(row) % 5);
      });

      test(`createExchange() deals rows in turn from the task's number, fed ${how} with ${memoryBytes} bytes`, async () => {
        const rows = Array.from({ length: 1000 }, (_, i) => i);
        const ports = await exchange({ kind: "roundRobin", partitions: 3 }, rows, {
          how,
          memoryBytes,
          task: 5,
        });
        expectDealt(ports, rows, 3, (_, i) => (5 + i) % 3);
      });

      test(`createExchange() asks the user's function, fed ${how} with ${memoryBytes} bytes`, async () => {
        const rows = Array.from({ length: 1000 }, (_, i) => ({ n: i }));
        const fn = (row: { n: number }) => row.n % 4;
        const ports = await exchange({ kind: "function", partitions: 4, node: 0 }, rows, {
          how,
          memoryBytes,
          fn,
        });
        expectDealt(ports, rows, 4, (_, i) => i % 4);
      });
    }
  }

  test("createExchange() writes few chunks of bounded size when there are a thousand partitions", async () => {
    const rows = Array.from({ length: 200_000 }, (_, i) => [`key ${i}`, i]);
    const ports = await exchange({ kind: "hash", partitions: 1000, key: "pair" }, rows);
    expect(ports.chunks.length).toBe(1000);
    expect(ports.chunks.reduce((sum, chunk) => sum + chunk.rows, 0)).toBe(200_000);
  });

  test("createExchange() cuts one full partition into chunks", async () => {
    const rows = Array.from({ length: 200_000 }, (_, i) => i);
    const ports = await exchange({ kind: "function", partitions: 2, node: 0 }, rows, { fn: () => 1 });
    expect(Math.max(...ports.chunks.map((chunk) => chunk.rows))).toBeLessThanOrEqual(1 << 16);
    expect(ports.written(1)).toEqual(rows);
  });

  test("createExchange() refuses places that are no partition, naming line and row", () => {
    for (const bad of [-1, 4, 1.5, Number.NaN, "1", undefined]) {
      const rows = Array.from({ length: 250 }, (_, i) => i);
      const fn = (n: number) => (n === 170 ? bad : 0);
      expect(exchange({ kind: "function", partitions: 4, node: 0 }, rows, { fn })).rejects.toThrow(
        `Cannot run partitionBy at /home/user/job.ts:10: shard 0, row 170: Cannot place a row: the function must return a whole number from 0 to 3: got ${String(bad)}`,
      );
    }
  });

  test("createExchange() blames the step that needs the rows by key when they are no pairs", async () => {
    const tail = { kind: "hash", partitions: 2, key: "pair", node: 0 } as const;
    for (const how of ["rows", "batches"] as const) {
      await expect(exchange(tail, [1, 2], { how })).rejects.toThrow(
        "Cannot run partitionBy at /home/user/job.ts:10: shard 0: Cannot take the key of a row",
      );
    }
  });

  test("createExchange() refuses rows that are no pairs when it deals by key", () => {
    expect(exchange({ kind: "hash", partitions: 2, key: "pair" }, [1, 2])).rejects.toThrow(
      "it must be a [key, value] pair",
    );
    expect(exchange({ kind: "hash", partitions: 2, key: "pair" }, [1], { how: "rows" })).rejects.toThrow(
      "[key, value] pair",
    );
  });
});

describe("createStore()", () => {
  test("createStore() keeps all rows in order when rows and batches mix, in few chunks", async () => {
    const ports = new MemoryPorts();
    const store = createStore(memoryScope({ graph: graphOf(), ports }), ports.openWriter(1));
    const rows: unknown[] = [];
    for (let i = 0; i < 300; i++) {
      store.row(i);
      rows.push(i);
      for (const batch of batchesOf([`a${i}`, `b${i}`])) store.batch(batch);
      rows.push(`a${i}`, `b${i}`);
    }
    await store.finish();
    expect(ports.written()).toEqual(rows);
    expect(ports.chunks.length).toBe(1);
  });

  test("createStore() writes large batches as they are", async () => {
    const ports = new MemoryPorts();
    const store = createStore(memoryScope({ graph: graphOf(), ports }), ports.openWriter(1));
    store.row("first");
    for (const batch of batchesOf(
      Array.from({ length: 40_000 }, (_, i) => i),
      60_000,
    ))
      store.batch(batch);
    store.row("last");
    await store.finish();
    expect(ports.chunks.map((chunk) => chunk.rows)).toEqual([1, 40_000, 1]);
  });

  test("createStore() writes nothing when there are no rows", async () => {
    const ports = new MemoryPorts();
    await createStore(memoryScope({ graph: graphOf(), ports }), ports.openWriter(1)).finish();
    expect(ports.chunks).toEqual([]);
  });
});

describe("createDiscard()", () => {
  test("createDiscard() takes rows and batches when they come", async () => {
    await feed(createDiscard(), [1, 2, 3], "rows");
    await feed(createDiscard(), [1, 2, 3], "batches");
  });
});
