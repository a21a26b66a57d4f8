/** Agents that go while a job uses them, and shards that go with them. */
import { describe, expect, test } from "bun:test";
import { LucioleError } from "../../../core/errors.ts";
import { buildGraph } from "../../../core/graph/build.ts";
import { flow } from "../../../core/program/flow.ts";
import type { AgentEvent } from "../../../core/schedule/attempts/order.ts";
import { NO_TOTALS } from "../../../core/schedule/report.ts";
import { decode, encode } from "../../../net/cbor.ts";
import { AgentClient } from "../../../net/driver/agents/agent_client.ts";
import { ExecutionRecord } from "../../../net/driver/execution.ts";
import { Executor } from "../../../net/driver/executor/executor.ts";
import { PlanCache } from "../../../net/driver/executor/plan_cache.ts";
import { readDataset } from "../../../net/driver/reading/read_dataset.ts";
import type { AttemptsRequest, Transport } from "../../../net/protocol.ts";
import { failure } from "../../../net/replies.ts";
import { soon, until } from "../../oracle/until.ts";

/** Takes orders and tells nothing; its events end when the test says so. */
class SilentAgent implements Transport {
  readonly attempts: string[] = [];
  /** Its process is another one, which knows no jobs. */
  isNew = false;
  endEvents: () => void = () => undefined;
  tell: (event: AgentEvent) => void = () => undefined;

  async fetch(path: string, init?: RequestInit): Promise<Response> {
    if (path.endsWith("/events")) {
      const start = (controller: ReadableStreamDefaultController): void => {
        this.endEvents = () => controller.close();
        this.tell = (event) => controller.enqueue(encode(event));
      };
      return new Response(new ReadableStream({ start }));
    }
    if (this.isNew) {
      return failure(new LucioleError("not-found", "Cannot find job j", { fields: { job: "j" } }), 404, "r1");
    }
    if (path.endsWith("/attempts")) {
      const { orders } = decode(init?.body as Uint8Array) as AttemptsRequest;
      this.attempts.push(...orders.map(({ attempt }) => attempt));
    }
    return new Response(null, { status: 204 });
  }
}

function openExecutor(
  agents: Readonly<Record<string, SilentAgent>>,
  onWarning: (text: string) => void = () => undefined,
): Executor {
  const executor = new Executor({
    job: "j",
    memoryBytesPerWorker: 2 ** 20,
    listener: {
      onLog: () => undefined,
      onWarning,
      record: () => undefined,
    },
  });
  for (const [worker, [id, transport]] of Object.entries(agents).entries()) {
    const client = new AgentClient({ id, job: "j", transport });
    executor.addWorkers([{ worker, agent: id, host: "here" }], [client]);
  }
  return executor;
}

const rows = flow("lost-agents", (f) => f.range(2, { shards: 2 }));

async function submit(executor: Executor): Promise<ExecutionRecord> {
  const { graph } = buildGraph(rows, undefined);
  const { plan, template } = await new PlanCache().plan(graph, { slots: 2, memoryBytes: 2 ** 20 }, new Map());
  const listener = new ExecutionRecord("e0", "lost", () => undefined);
  executor.submit("e0", plan, {
    compare: new Map(),
    followed: new Set(),
    graph,
    listener,
    params: encode(undefined),
    template,
  });
  return listener;
}

describe("Executor", () => {
  test("addWorkers() takes the end of its events for its loss: its tasks run on another one", async () => {
    const agents = { a: new SilentAgent(), b: new SilentAgent() };
    const executor = openExecutor(agents);
    await submit(executor);
    await until("both have a task", () => agents.a.attempts.length + agents.b.attempts.length === 2);
    const [lost] = agents.a.attempts;
    agents.a.endEvents();
    executor.feed({
      kind: "attemptEnded",
      agent: "b",
      attempt: agents.b.attempts[0],
      result: {
        kind: "committed",
        shard: { partitions: [{ rows: 1, bytes: 8, chunks: 1 }] },
        totals: {
          rowsIn: 1,
          bytesIn: 0,
          rowsOut: 1,
          bytesOut: 8,
          spilledBytes: 0,
          counters: {},
          samples: {},
        },
      },
    });
    await until("the lost task runs again", () => agents.b.attempts.length === 2);
    expect(agents.b.attempts[1]).toBe(lost.replace(/-1$/, "-2"));
    agents.b.endEvents();
    await soon("the end", executor.stop());
  });

  test("fails what runs when agents are left and no worker", async () => {
    const agents = { a: new SilentAgent(), b: new SilentAgent() };
    const executor = openExecutor(agents);
    await executor.removeWorkers([0], 0, AbortSignal.abort());
    const record = await submit(executor);
    await until("it has a task", () => agents.b.attempts.length > 0);
    agents.b.endEvents();
    await expect(soon("the failure", record.ended.promise)).rejects.toThrow(
      /^Cannot go on with the job: it has no worker any more; agent b is gone: /,
    );
    agents.a.endEvents();
    await soon("the end", executor.stop());
  });
});

test("an agent that was started anew is lost with the first task that it is given, and told of once", async () => {
  const agents = { a: new SilentAgent(), b: new SilentAgent() };
  const warnings: string[] = [];
  const executor = openExecutor(agents, (text) => warnings.push(text));
  agents.a.isNew = true;
  await submit(executor);
  const gone =
    "agent a is gone: it does not know the job any more: it was started anew, or has ended the job";
  await until("it is told", () => warnings.includes(gone));
  agents.a.endEvents();
  await soon("the end", executor.stop());
  expect(warnings.filter((text) => text.startsWith("agent a is gone"))).toEqual([gone]);
  expect(executor.agents.map(({ id }) => id)).toEqual(["b"]);
});

test("others are looked for in the place of lost workers before anybody is refused these", async () => {
  const agents = { a: new SilentAgent() };
  const executor = openExecutor(agents);
  const told: string[] = [];
  executor.onWorkersLost = (workers) => {
    told.push(`lost ${workers}`);
    return true;
  };
  executor.onWorkersChanged = () => told.push("changed");
  agents.a.endEvents();
  await until("it is told", () => told.length > 1);
  expect(told[0]).toBe("lost 0");
  await soon("the end", executor.stop());
});

test("what is told of a worker by another agent than its own counts for nothing", async () => {
  const agents = { a: new SilentAgent(), b: new SilentAgent() };
  const executor = openExecutor(agents);
  await until("the events are read", () => agents.a.tell.length * agents.b.tell.length > 0);
  const joined: number[] = [];
  executor.members.listen("allWorkersJoined", () => joined.push(executor.members.size));
  // Left of a start that was given up: its number was given again.
  agents.b.tell({ kind: "workerStarted", worker: 0 });
  agents.b.tell({ kind: "workerExited", worker: 0, cause: "it could not be started", isFinal: true });
  agents.b.tell({ kind: "workerStarted", worker: 1 });
  agents.b.tell({ kind: "workerExited", worker: 1, cause: "it could not be started", isFinal: true });
  await until("that of its own worker is heard", () => executor.members.size === 1);
  expect(joined).toEqual([]);
  agents.a.tell({ kind: "workerStarted", worker: 0 });
  await until("all have joined", () => joined.length > 0);
  for (const agent of [agents.a, agents.b]) agent.endEvents();
  await soon("the end", executor.stop());
});

test("a worker that cannot be started is passed over where its agent has another", async () => {
  const agents = { a: new SilentAgent() };
  const executor = openExecutor(agents);
  executor.addWorkers([{ worker: 1, agent: "a", host: "here" }], [...executor.agents]);
  await until("the events are read", () => agents.a.tell.length > 0);
  const numbers = () => executor.datasets.places().map(({ worker }) => worker);
  agents.a.tell({ kind: "workerExited", worker: 0, cause: "it could not be started", isFinal: true });
  await until("it is passed over", () => `${numbers()}` === "1");
  agents.a.tell({ kind: "workerExited", worker: 1, cause: "it could not be started", isFinal: true });
  // What is given to the last one fails, and says why.
  await until("it is gone", () => executor.members.size === 0);
  expect(numbers()).toEqual([1]);
  agents.a.endEvents();
  await soon("the end", executor.stop());
});

describe("readDataset()", () => {
  test("fails when a shard of a whole dataset was lost, instead of ending early", async () => {
    const record = new ExecutionRecord("e0", "lost", () => undefined);
    record.onEnded({ kind: "done", totals: NO_TOTALS, stages: [] }, new Map());
    const size = { rows: 1, bytes: 8 };
    const datasets = { pieces: () => [], sizes: () => [size, size] };
    const executor = { datasets } as unknown as Executor;
    const { signal } = new AbortController();
    const isReleased = () => false;
    const options = { executor, dataset: "e0.0", local: undefined, signal, record, isReleased };
    await expect(soon("the rows", Array.fromAsync(readDataset(options)))).rejects.toThrow(
      "Cannot read shard 0 of dataset e0.0: it was lost",
    );
  });
});
