/** A generator that runs ahead must wait for what is slow behind it, whatever operators lie between. */
import { expect, test } from "bun:test";
import type { ShardWriter } from "../../../core/exec/ports.ts";
import { runTaskGroup } from "../../../core/exec/task.ts";
import type { NodeSpec, UserFunction } from "../../../core/graph/node.ts";
import type { InputEdge, StepPlan, Tail, TaskInput } from "../../../core/plan/physical.ts";
import { graphOf, MemoryPorts, memoryContext, planOf, READ } from "./memory_ports.ts";

const ROWS = 100_000;
const SIDE: InputEdge = { from: { kind: "group", group: 0 }, mode: "all" };
const STORE: Tail = { kind: "store" };

/** Its shard is followed by somebody who does not read until the gate opens. */
class SlowPorts extends MemoryPorts {
  readonly gate = Promise.withResolvers<void>();
  #isOpen = false;

  override openWriter(partitions: number): ShardWriter {
    const writer = super.openWriter(partitions);
    return {
      write: (...args) => writer.write(...args),
      drained: () => (this.#isOpen ? undefined : this.gate.promise),
    };
  }

  open(): void {
    this.#isOpen = true;
    this.gate.resolve();
  }
}

interface Case {
  readonly between: readonly NodeSpec[];
  readonly tail: Tail;
}

const map: NodeSpec = { kind: "map", fn: (row) => row, hasSide: false };
const CASES: Readonly<Record<string, Case>> = {
  store: { between: [], tail: STORE },
  "map → store": { between: [map], tail: STORE },
  "limit → map → hash": {
    between: [{ kind: "limit", n: ROWS, isFirst: false }, map],
    tail: { kind: "hash", partitions: 2, key: "pair" },
  },
  "countByKey → store": { between: [{ kind: "countByKey" }], tail: STORE },
  "broadcast join → store": {
    between: [{ kind: "join", how: "left", strategy: "broadcast" }, map],
    tail: STORE,
  },
};

function stepOf({ kind }: NodeSpec, node: number): StepPlan {
  if (kind === "countByKey") return { op: "combine", node, phase: "partial", key: "pair" };
  if (kind === "limit") return { op: "limit", node, n: ROWS };
  if (kind === "join") return { op: "broadcastJoin", node, how: "left", streamed: "left", side: SIDE };
  return { op: kind as "map" | "mapShards", node };
}

/** Runs mapShards and what follows; `pulled` tells how many rows the generator has given. */
function start(ports: MemoryPorts, after: readonly NodeSpec[], tail: Tail) {
  let pulled = 0;
  const fn = function* () {
    for (; pulled < ROWS; pulled++) yield [pulled, pulled];
  };
  const specs: NodeSpec[] = [{ kind: "mapShards", fn, hasSide: false }, ...after];
  const steps = specs.map(stepOf);
  const sides: TaskInput["sides"] = after[0]?.kind === "join" ? { 1: [ports.addPiece("side", [])] } : {};
  const done = runTaskGroup({
    graph: graphOf(...specs),
    plan: planOf(READ, steps, tail),
    task: 0,
    input: { pieces: [[ports.addPiece("in", [0])]], sides },
    context: memoryContext(ports),
    ports,
  });
  return { done, pulled: () => pulled };
}

/** All that can go on without the gate has gone on after a few turns of the event loop. */
async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
}

test.each(Object.keys(CASES))("mapShards → %s waits when the shard's reader is slow", async (name) => {
  const { between, tail } = CASES[name];
  const ports = new SlowPorts();
  const { done, pulled } = start(ports, between, tail);
  await turns();
  expect(pulled()).toBeGreaterThan(0);
  expect(pulled()).toBeLessThan(10_000);
  ports.open();
  await done;
  expect(ports.written()).toHaveLength(ROWS);
});

test("mapShards → map → mapShards waits when the second generator is slow", async () => {
  const ports = new MemoryPorts();
  const gate = Promise.withResolvers<void>();
  const slow: UserFunction = async function* (rows: AsyncIterable<unknown>) {
    await gate.promise;
    yield* rows;
  };
  const { done, pulled } = start(ports, [map, { kind: "mapShards", fn: slow, hasSide: false }], STORE);
  await turns();
  expect(pulled()).toBeGreaterThan(0);
  expect(pulled()).toBeLessThan(10_000);
  gate.resolve();
  await done;
  expect(ports.written()).toHaveLength(ROWS);
});
