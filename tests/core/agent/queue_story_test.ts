/** What an agent's queue tells when it must not go on. */
import { expect, test } from "bun:test";
import { AgentQueue } from "../../../core/agent/agent_queue.ts";
import { JobLife } from "../../../core/agent/job_life.ts";
import { OrderBook } from "../../../core/agent/order_book.ts";
import { moveWorker, newWorker } from "../../../core/agent/worker_state.ts";
import { InvariantError } from "../../../core/schedule/transitions.ts";
import { orderOf } from "./orders.ts";

const ORDER = orderOf("e0-0-0-1");

function messageOf(act: () => void): string {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(InvariantError);
    return error instanceof Error ? error.message : "";
  }
  throw new Error("it went on");
}

test("a worker's phase that may not follow is refused by name", () => {
  const worker = newWorker(3, 0);
  expect(messageOf(() => moveWorker(worker, "running"))).toBe(
    "Moving worker 3: it is starting, which running may not follow",
  );
});

test("an order's phase that may not follow is refused by its attempt", () => {
  const book = new OrderBook();
  book.accept(ORDER);
  book.close("e0-0-0-1");
  expect(messageOf(() => book.close("e0-0-0-1"))).toBe(
    "Moving order e0-0-0-1: it is over, which over may not follow",
  );
});

test("a job's state that may not follow is refused with the job's story", () => {
  const life = new JobLife("j1");
  life.move("running", 5);
  life.move("ending", 9);
  expect(messageOf(() => life.move("running", 10))).toBe(
    "Moving job j1: it is ending, which running may not follow; its story: 5 running; 9 ending",
  );
});

test("AgentQueue.apply() tells the last events with what went wrong", () => {
  const queue = new AgentQueue();
  queue.apply({ kind: "start", firstWorker: 0, workers: 1 }, 1);
  for (let i = 0; i < 100; i += 1) queue.apply({ kind: "tick" }, 2 + i);
  queue.apply({ kind: "asked", worker: 0 }, 200);
  queue.apply({ kind: "cancelled", attempts: ["a", "b", "c", "d", "e", "f", "g"] }, 201);
  const broken = {
    ...ORDER,
    get group(): number {
      throw new Error("no group");
    },
  };
  const message = messageOf(() => {
    queue.apply({ kind: "enqueued", orders: [broken] }, 202);
  });
  expect(message).toStartWith("Cannot go on with the agent's queue: no group; its story: 65 tick; 66 tick;");
  expect(message).toEndWith(
    "; 200 worker 0 asked; 201 cancelled a b c d e and 2 more; 202 enqueued e0-0-0-1",
  );
});
