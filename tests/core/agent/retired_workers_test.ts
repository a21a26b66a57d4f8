/** Workers that are removed from a job: what they hold is ended or given back, and none is lost or done twice. */
import { expect, test } from "bun:test";
import { AgentQueue } from "../../../core/agent/agent_queue.ts";
import type { QueueCommand } from "../../../core/agent/queue_events.ts";
import { NO_TOTALS } from "../../../core/schedule/report.ts";
import { orderOf } from "./orders.ts";

const FAILED = {
  kind: "failed",
  error: { name: "E", code: "task", message: "no", retryable: false, fields: {} },
  totals: NO_TOTALS,
} as never;

function started(workers: number): AgentQueue {
  const queue = new AgentQueue();
  queue.apply({ kind: "start", firstWorker: 0, workers }, 0);
  for (let worker = 0; worker < workers; worker++) queue.apply({ kind: "asked", worker }, 0);
  return queue;
}

/** Short forms. */
const told = (commands: readonly QueueCommand[]): readonly string[] =>
  commands.map((command) => {
    if (command.kind !== "emit")
      return "worker" in command ? `${command.kind} ${command.worker}` : command.kind;
    const { event } = command;
    const drained = event.kind === "attemptLost" && event.isDrained === true ? " drained" : "";
    return `${event.kind}${"attempt" in event ? ` ${event.attempt}` : ""}${"worker" in event ? ` ${event.worker}` : ""}${drained}`;
  });

test("one that waits goes at once, and is told as left when its process is gone; another is not started", () => {
  const queue = started(2);
  expect(told(queue.apply({ kind: "retired", workers: [1], graceMs: 100 }, 1))).toEqual(["stop 1"]);
  queue.check();
  expect(told(queue.apply({ kind: "exited", worker: 1, cause: "ended" }, 2))).toEqual(["workerLeft 1"]);
  expect(told(queue.apply({ kind: "retired", workers: [1], graceMs: 100 }, 3))).toEqual([]);
  expect(told(queue.apply({ kind: "asked", worker: 1 }, 4))).toEqual(["stop 1"]);
  queue.check();
});

test("one that works ends what it holds, and gets nothing more", () => {
  const queue = started(2);
  queue.apply({ kind: "enqueued", orders: [orderOf("a"), orderOf("b"), orderOf("c")] }, 1);
  expect(told(queue.apply({ kind: "retired", workers: [0], graceMs: 100 }, 2))).toEqual([]);
  const commands = queue.apply({ kind: "asked", worker: 0, ended: { attempt: "a", result: FAILED } }, 3);
  expect(told(commands)).toEqual(["discarded", "attemptEnded a", "stop 0"]);
  queue.check();
  expect(
    told(queue.apply({ kind: "asked", worker: 1, ended: { attempt: "b", result: FAILED } }, 4)),
  ).toContain("give 1");
});

test("one that works for too long is killed, and nobody is to blame for what it held", () => {
  const queue = started(2);
  queue.apply({ kind: "enqueued", orders: [orderOf("a")] }, 1);
  queue.apply({ kind: "retired", workers: [0], graceMs: 100 }, 2);
  expect(queue.nextDeadline()).toBeLessThanOrEqual(102);
  expect(told(queue.apply({ kind: "tick" }, 102))).toEqual(["kill 0"]);
  const commands = queue.apply({ kind: "exited", worker: 0, cause: "was killed" }, 103);
  expect(told(commands)).toEqual(["discarded", "attemptLost a drained", "workerLeft 0"]);
  queue.check();
});

test("with the last one gone, what waits for a worker is given back", () => {
  const queue = started(1);
  queue.apply({ kind: "enqueued", orders: [orderOf("a"), orderOf("b")] }, 1);
  expect(told(queue.apply({ kind: "retired", workers: [0], graceMs: 100 }, 2))).toEqual([
    "discarded",
    "attemptLost b drained",
  ]);
  expect(told(queue.apply({ kind: "enqueued", orders: [orderOf("c")] }, 3))).toEqual([
    "discarded",
    "attemptLost c drained",
  ]);
});

test("one that has not asked yet is killed at once", () => {
  const queue = new AgentQueue();
  queue.apply({ kind: "start", firstWorker: 0, workers: 1 }, 0);
  queue.apply({ kind: "retired", workers: [0], graceMs: 10_000 }, 5);
  expect(told(queue.apply({ kind: "tick" }, 5))).toEqual(["kill 0"]);
  expect(told(queue.apply({ kind: "exited", worker: 0, cause: "was killed" }, 6))).toEqual(["workerLeft 0"]);
});

test("a request to start workers that comes once more, late, starts none that were removed", () => {
  const queue = started(2);
  queue.apply({ kind: "retired", workers: [1], graceMs: 100 }, 1);
  queue.apply({ kind: "exited", worker: 1, cause: "ended" }, 2);
  expect(told(queue.apply({ kind: "start", firstWorker: 0, workers: 2 }, 3))).toEqual([]);
  expect(told(queue.apply({ kind: "start", firstWorker: 2, workers: 1 }, 4))).toEqual(["startWorker 2"]);
  queue.check();
});

test("a worker that is retired before the request to start it comes is not started", () => {
  const queue = new AgentQueue();
  queue.apply({ kind: "retired", workers: [1], graceMs: 100 }, 0);
  const commands = queue.apply({ kind: "start", firstWorker: 0, workers: 2 }, 1);
  expect(told(commands)).toEqual(["startWorker 0"]);
});
