/**
 * The agent's queue: hand-written stories, and random ones against its invariants.
 */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { AgentQueue } from "../../../core/agent/agent_queue.ts";
import type { QueueCommand, QueueEvent } from "../../../core/agent/queue_events.ts";
import { type AttemptResult, NO_TOTALS } from "../../../core/schedule/report.ts";
import { orderOf } from "./orders.ts";

const COMMITTED: AttemptResult = { kind: "committed", shard: { partitions: [] }, totals: NO_TOTALS };
const FAILED: AttemptResult = {
  kind: "failed",
  error: { name: "Error", code: "task", message: "bad row", retryable: false, fields: {} },
  totals: NO_TOTALS,
};

function started(workers: number): AgentQueue {
  const queue = new AgentQueue();
  queue.apply({ kind: "start", firstWorker: 0, workers }, 0);
  return queue;
}

function short(commands: readonly QueueCommand[]): string[] {
  return commands.map((command) => {
    if (command.kind === "emit") {
      const { event } = command;
      return "attempt" in event ? `${event.kind} ${event.attempt}` : event.kind;
    }
    if (command.kind === "give") return `give ${command.worker} ${command.order.attempt}`;
    if ("worker" in command) return `${command.kind} ${command.worker}`;
    return `${command.kind} ${command.attempt}`;
  });
}

describe("AgentQueue", () => {
  test("apply() ignores an order that comes once more after its attempt was released", () => {
    const queue = started(1);
    queue.apply({ kind: "enqueued", orders: [orderOf("a")] }, 1);
    queue.apply({ kind: "asked", worker: 0 }, 2);
    queue.apply({ kind: "asked", worker: 0, ended: { attempt: "a", result: COMMITTED } }, 3);
    queue.apply({ kind: "released", attempts: ["a"] }, 4);
    expect(queue.apply({ kind: "enqueued", orders: [orderOf("a")] }, 5)).toEqual([]);
    queue.check();
  });

  test("apply() gives queued orders in their order when workers ask", () => {
    const queue = started(2);
    queue.apply({ kind: "enqueued", orders: [orderOf("a"), orderOf("b"), orderOf("c")] }, 1);
    expect(short(queue.apply({ kind: "asked", worker: 0 }, 2))).toEqual([
      "workerStarted",
      "attemptStarted a",
      "give 0 a",
    ]);
    expect(short(queue.apply({ kind: "asked", worker: 1 }, 2)).at(-1)).toBe("give 1 b");
    const next = queue.apply({ kind: "asked", worker: 0, ended: { attempt: "a", result: COMMITTED } }, 3);
    expect(short(next)).toEqual(["committed a", "attemptEnded a", "attemptStarted c", "give 0 c"]);
  });

  test("apply() answers a held request at once when an order comes, and with wait after 20 s", () => {
    const queue = started(1);
    expect(short(queue.apply({ kind: "asked", worker: 0 }, 0))).toEqual(["workerStarted"]);
    expect(queue.nextDeadline()).toBe(20_000);
    expect(short(queue.apply({ kind: "tick" }, 20_000))).toEqual(["wait 0"]);
    queue.apply({ kind: "asked", worker: 0 }, 20_001);
    expect(short(queue.apply({ kind: "enqueued", orders: [orderOf("a")] }, 20_002)).at(-1)).toBe("give 0 a");
  });

  test("apply() gives the same order again when the answer was lost", () => {
    const queue = started(1);
    queue.apply({ kind: "enqueued", orders: [orderOf("a"), orderOf("b")] }, 0);
    queue.apply({ kind: "asked", worker: 0 }, 0);
    expect(short(queue.apply({ kind: "asked", worker: 0 }, 1))).toEqual(["give 0 a"]);
  });

  test("apply() ignores the end of an attempt that the worker does not run", () => {
    const queue = started(2);
    queue.apply({ kind: "enqueued", orders: [orderOf("a")] }, 0);
    queue.apply({ kind: "asked", worker: 0 }, 0);
    const late = queue.apply({ kind: "asked", worker: 1, ended: { attempt: "a", result: COMMITTED } }, 1);
    expect(short(late)).toEqual(["workerStarted"]);
  });

  test("apply() ignores an order that it knows already", () => {
    const queue = started(1);
    queue.apply({ kind: "enqueued", orders: [orderOf("a")] }, 0);
    queue.apply({ kind: "enqueued", orders: [orderOf("a")] }, 0);
    expect(queue.queuedOrders).toBe(1);
  });

  test("apply() reports the attempt lost and starts another worker when one exits", () => {
    const queue = started(1);
    queue.apply({ kind: "enqueued", orders: [orderOf("a")] }, 0);
    queue.apply({ kind: "asked", worker: 0 }, 0);
    const commands = queue.apply({ kind: "exited", worker: 0, cause: "was ended by signal SIGKILL" }, 1);
    expect(short(commands)).toEqual(["discarded a", "attemptLost a", "workerExited", "startWorker 0"]);
    const lost = commands.find((command) => command.kind === "emit" && command.event.kind === "attemptLost");
    expect(lost).toMatchObject({ event: { cause: "worker 0 was ended by signal SIGKILL" } });
  });

  test("apply() gives up after three failed starts and fails the queued orders with the cause", () => {
    const queue = started(1);
    queue.apply({ kind: "enqueued", orders: [orderOf("a")] }, 0);
    const exit: QueueEvent = { kind: "exited", worker: 0, cause: "exited with code 1; SyntaxError" };
    expect(short(queue.apply(exit, 1))).toEqual(["workerExited", "startWorker 0"]);
    expect(short(queue.apply(exit, 2))).toEqual(["workerExited", "startWorker 0"]);
    const last = queue.apply(exit, 3);
    expect(short(last)).toEqual(["workerExited", "discarded a", "attemptEnded a"]);
    expect(last[0]).toMatchObject({ event: { isFinal: true } });
    const late = queue.apply({ kind: "enqueued", orders: [orderOf("b")] }, 4);
    expect(late.at(-1)).toMatchObject({
      event: {
        kind: "attemptEnded",
        attempt: "b",
        result: {
          error: {
            code: "worker-start",
            message: "Cannot start a worker: it exited with code 1; SyntaxError",
          },
        },
      },
    });
  });

  test("apply() gives up a worker that asks and exits again and again, but not one that waited", () => {
    const queue = started(1);
    const exit: QueueEvent = { kind: "exited", worker: 0, cause: "exited with code 1" };
    for (let i = 0; i < 2; i++) {
      queue.apply({ kind: "asked", worker: 0 }, i);
      expect(short(queue.apply(exit, i))).toEqual(["workerExited", "startWorker 0"]);
    }
    queue.apply({ kind: "asked", worker: 0 }, 10);
    queue.apply({ kind: "tick" }, 20_010);
    expect(short(queue.apply(exit, 20_011))).toEqual(["workerExited", "startWorker 0"]);
    for (let i = 0; i < 2; i++) {
      queue.apply({ kind: "asked", worker: 0 }, 20_020 + i);
      expect(short(queue.apply(exit, 20_020 + i))).toEqual(
        i === 0 ? ["workerExited", "startWorker 0"] : ["workerExited"],
      );
    }
  });

  test("apply() kills a worker that never asks", () => {
    const queue = started(1);
    expect(queue.nextDeadline()).toBe(60_000);
    expect(short(queue.apply({ kind: "tick" }, 60_000))).toEqual(["kill 0"]);
    expect(short(queue.apply({ kind: "tick" }, 60_001))).toEqual([]);
  });

  test("C13: apply() cancels queued orders at once and kills the worker of a running one within a second", () => {
    const queue = started(1);
    queue.apply({ kind: "enqueued", orders: [orderOf("a"), orderOf("b")] }, 0);
    queue.apply({ kind: "asked", worker: 0 }, 0);
    const commands = queue.apply({ kind: "cancelled", attempts: ["a", "b", "unknown"] }, 100);
    expect(short(commands)).toEqual(["cancel 0", "attemptEnded b"]);
    expect(queue.nextDeadline()).toBe(900);
    expect(short(queue.apply({ kind: "tick" }, 900))).toEqual(["kill 0"]);
    const exit = queue.apply({ kind: "exited", worker: 0, cause: "was ended by signal SIGKILL" }, 901);
    expect(short(exit)).toEqual(["discarded a", "attemptEnded a", "workerExited", "startWorker 0"]);
    expect(short(queue.apply({ kind: "asked", worker: 0 }, 2_200))).toEqual(["workerStarted"]);
  });

  test("apply() does not kill when the cancelled attempt ends in time", () => {
    const queue = started(1);
    queue.apply({ kind: "enqueued", orders: [orderOf("a")] }, 0);
    queue.apply({ kind: "asked", worker: 0 }, 0);
    queue.apply({ kind: "cancelled", attempts: ["a"] }, 1);
    queue.apply({ kind: "asked", worker: 0, ended: { attempt: "a", result: FAILED } }, 2);
    expect(short(queue.apply({ kind: "tick" }, 5_000))).toEqual([]);
  });

  test("apply() answers stop to everybody once the job has ended", () => {
    const queue = started(2);
    queue.apply({ kind: "asked", worker: 0 }, 0);
    expect(short(queue.apply({ kind: "end" }, 1))).toEqual(["stop 0"]);
    expect(short(queue.apply({ kind: "asked", worker: 1 }, 2))).toEqual(["stop 1"]);
    expect(short(queue.apply({ kind: "exited", worker: 1, cause: "exited with code 0" }, 3))).toEqual([]);
    expect(queue.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });

  test("apply() gives a leaving worker no order, and replaces it", () => {
    const queue = started(1);
    queue.apply({ kind: "enqueued", orders: [orderOf("a"), orderOf("b")] }, 0);
    queue.apply({ kind: "asked", worker: 0 }, 0);
    const left = queue.apply({ kind: "leaving", worker: 0, ended: { attempt: "a", result: FAILED } }, 1);
    expect(short(left)).toEqual(["stop 0", "discarded a", "attemptEnded a"]);
    expect(short(queue.apply({ kind: "asked", worker: 0 }, 1))).toEqual(["stop 0"]);
    expect(short(queue.apply({ kind: "exited", worker: 0, cause: "exited with code 1" }, 2))).toEqual([
      "workerExited",
      "startWorker 0",
    ]);
  });

  test("apply() ends every accepted order exactly once in any story", () => {
    const worker = fc.integer({ min: 0, max: 2 });
    const attempt = fc.constantFrom("a", "b", "c", "d", "e", "f");
    const event: fc.Arbitrary<QueueEvent | { readonly kind: "finish"; readonly worker: number }> = fc.oneof(
      attempt.map((id): QueueEvent => ({ kind: "enqueued", orders: [orderOf(id)] })),
      worker.map((number): QueueEvent => ({ kind: "asked", worker: number })),
      worker.map((number) => ({ kind: "finish" as const, worker: number })),
      worker.map((number): QueueEvent => ({ kind: "leaving", worker: number })),
      attempt.map((id): QueueEvent => ({ kind: "cancelled", attempts: [id] })),
      worker.map((number): QueueEvent => ({ kind: "exited", worker: number, cause: "exited" })),
      fc.constant<QueueEvent>({ kind: "tick" }),
    );
    const property = fc.property(fc.array(event, { maxLength: 60 }), fc.boolean(), (story, isSlow) => {
      const queue = started(3);
      const accepted = new Set<string>();
      const ends: string[] = [];
      let now = 0;
      const apply = (next: QueueEvent) => {
        for (const command of queue.apply(next, now)) {
          if (command.kind !== "emit") continue;
          const { kind } = command.event;
          if (kind === "attemptEnded" || kind === "attemptLost") ends.push(command.event.attempt);
        }
        queue.check();
      };
      for (const next of story) {
        now += isSlow ? 1_500 : 10;
        if (next.kind === "finish") {
          const running = queue.attemptOf(next.worker);
          if (running === undefined) continue;
          apply({ kind: "asked", worker: next.worker, ended: { attempt: running, result: COMMITTED } });
          continue;
        }
        if (next.kind === "enqueued") for (const { attempt: id } of next.orders) accepted.add(id);
        apply(next);
      }
      for (let round = 0; round < 20; round++) {
        for (let number = 0; number < 3; number++) {
          const running = queue.attemptOf(number);
          apply({
            kind: "asked",
            worker: number,
            ...(running === undefined ? {} : { ended: { attempt: running, result: COMMITTED } }),
          });
          if (running === undefined) apply({ kind: "exited", worker: number, cause: "exited" });
        }
      }
      expect(ends.toSorted()).toEqual([...accepted].toSorted());
    });
    fc.assert(property, { numRuns: 500 });
  });
});
