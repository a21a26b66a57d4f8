/**
 * Workers that hold several short orders at a time: what becomes of each when something goes wrong.
 */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { AgentQueue } from "../../../core/agent/agent_queue.ts";
import type { QueueCommand, QueueEvent } from "../../../core/agent/queue_events.ts";
import { type AttemptResult, NO_TOTALS } from "../../../core/schedule/report.ts";
import { orderOf } from "./orders.ts";

const SHORT: AttemptResult = { kind: "committed", shard: { partitions: [] }, totals: NO_TOTALS, ms: 2 };

const orders = (count: number) => Array.from({ length: count }, (_, i) => orderOf(`t${i}`));

/** A queue that knows that tasks are short, and whose workers wait. */
function warm(workers: number): AgentQueue {
  const queue = new AgentQueue();
  queue.apply({ kind: "start", firstWorker: 0, workers }, 0);
  queue.apply({ kind: "enqueued", orders: [orderOf("warm")] }, 0);
  queue.apply({ kind: "asked", worker: 0 }, 0);
  queue.apply({ kind: "asked", worker: 0, ended: { attempt: "warm", result: SHORT } }, 0);
  return queue;
}

function handsIn(commands: readonly QueueCommand[]): string[][] {
  return commands.flatMap((command) =>
    command.kind === "give" ? [[command.order, ...(command.more ?? [])].map(({ attempt }) => attempt)] : [],
  );
}

function told(commands: readonly QueueCommand[]): string[] {
  return commands.flatMap((command) => {
    if (command.kind !== "emit") return [];
    return "attempt" in command.event ? [`${command.event.kind} ${command.event.attempt}`] : [];
  });
}

describe("AgentQueue with short tasks", () => {
  test("gives several at a time, and leaves as many for others", () => {
    const queue = warm(2);
    expect(handsIn(queue.apply({ kind: "enqueued", orders: orders(16) }, 1))).toEqual([
      ["t0", "t1", "t2", "t3"],
    ]);
    expect(handsIn(queue.apply({ kind: "asked", worker: 1 }, 1))).toEqual([["t4", "t5", "t6"]]);
    queue.check();
  });

  test("does not part what is done in no time", () => {
    const queue = warm(2);
    const none = { ...SHORT, ms: 0 };
    queue.apply({ kind: "enqueued", orders: orders(8) }, 1);
    for (let i = 0; i < 4; i++) {
      queue.apply({ kind: "ended", worker: 0, ended: { attempt: `t${i}`, result: none } }, 2);
    }
    queue.apply({ kind: "cancelled", attempts: ["t4", "t5", "t6", "t7"] }, 2);
    const more = Array.from({ length: 80 }, (_, i) => orderOf(`u${i}`));
    queue.apply({ kind: "enqueued", orders: more }, 3);
    const hands = [0, 1].flatMap((worker) => handsIn(queue.apply({ kind: "asked", worker }, 4)));
    expect(hands.map((hand) => hand.length)).toEqual([16, 16]);
  });

  test("gives one at a time of another group, and of what is followed", () => {
    const queue = warm(1);
    const others = [
      ...Array.from({ length: 8 }, (_, i) => orderOf(`f${i}`, { isFollowed: true })),
      ...Array.from({ length: 8 }, (_, i) => orderOf(`g${i}`, { group: 1 })),
    ];
    expect(handsIn(queue.apply({ kind: "enqueued", orders: others }, 1))).toEqual([["f0"]]);
    queue.apply({ kind: "cancelled", attempts: others.slice(1, 8).map(({ attempt }) => attempt) }, 1);
    const next = queue.apply({ kind: "asked", worker: 0, ended: { attempt: "f0", result: SHORT } }, 2);
    expect(handsIn(next)).toEqual([["g0"]]);
  });

  test("tells each end as it comes, and gives the same again when the answer was lost", () => {
    const queue = warm(1);
    queue.apply({ kind: "enqueued", orders: orders(6) }, 1);
    const ended = { attempt: "t0", result: SHORT };
    expect(told(queue.apply({ kind: "ended", worker: 0, ended }, 2))).toEqual(["attemptEnded t0"]);
    expect(told(queue.apply({ kind: "ended", worker: 0, ended }, 2))).toEqual([]);
    expect(handsIn(queue.apply({ kind: "asked", worker: 0 }, 3))).toEqual([["t1", "t2"]]);
  });

  test("gives what comes back to the next worker, before all others", () => {
    const queue = warm(2);
    queue.apply({ kind: "asked", worker: 1 }, 0);
    const given = queue.apply({ kind: "enqueued", orders: orders(8) }, 1);
    expect(handsIn(given)).toEqual([
      ["t0", "t1"],
      ["t2", "t3"],
    ]);
    queue.apply({ kind: "ended", worker: 1, ended: { attempt: "t2", result: SHORT } }, 2);
    queue.apply({ kind: "returned", worker: 0, attempts: ["t1", "t0x", "t3"] }, 3);
    const next = queue.apply({ kind: "asked", worker: 1, ended: { attempt: "t3", result: SHORT } }, 4);
    expect(handsIn(next)).toEqual([["t1", "t4"]]);
    queue.check();
  });

  test("gives what was in the hand of a worker that died one by one, and blames the one that ends its worker", () => {
    const queue = warm(1);
    queue.apply({ kind: "enqueued", orders: orders(6) }, 1);
    const died = queue.apply({ kind: "exited", worker: 0, cause: "was ended by signal SIGKILL" }, 2);
    expect(told(died)).toEqual([]);
    expect(handsIn(queue.apply({ kind: "asked", worker: 0 }, 3))).toEqual([["t0"]]);
    const after = queue.apply({ kind: "asked", worker: 0, ended: { attempt: "t0", result: SHORT } }, 4);
    expect(handsIn(after)).toEqual([["t1"]]);
    const again = queue.apply({ kind: "exited", worker: 0, cause: "was ended by signal SIGKILL" }, 5);
    expect(told(again)).toEqual(["attemptLost t1"]);
    expect(handsIn(queue.apply({ kind: "asked", worker: 0 }, 6))).toEqual([["t2"]]);
    // From here on nobody is suspected.
    const last = queue.apply({ kind: "asked", worker: 0, ended: { attempt: "t2", result: SHORT } }, 7);
    expect(handsIn(last)).toEqual([["t3", "t4"]]);
    queue.check();
  });

  test("tells the end of a cancelled attempt that was not begun when it comes back", () => {
    const queue = warm(1);
    queue.apply({ kind: "enqueued", orders: orders(6) }, 1);
    expect(queue.apply({ kind: "cancelled", attempts: ["t1"] }, 2)).toEqual([
      { kind: "cancel", worker: 0, attempt: "t1" },
    ]);
    expect(queue.nextDeadline()).toBe(2_002);
    expect(told(queue.apply({ kind: "returned", worker: 0, attempts: ["t1"] }, 3))).toEqual([
      "attemptEnded t1",
    ]);
    expect(queue.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
    const next = queue.apply({ kind: "ended", worker: 0, ended: { attempt: "t0", result: SHORT } }, 4);
    expect(told(next)).toEqual(["attemptEnded t0"]);
    queue.check();
  });

  test("ends every accepted order exactly once in any story", () => {
    const worker = fc.integer({ min: 0, max: 2 });
    const attempt = fc.integer({ min: 0, max: 30 }).map((n) => `t${n}`);
    type Act =
      | QueueEvent
      | { readonly kind: "finish"; readonly worker: number; readonly count: number }
      | { readonly kind: "return"; readonly worker: number; readonly count: number };
    const act: fc.Arbitrary<Act> = fc.oneof(
      fc.integer({ min: 0, max: 20 }).map(
        (first): Act => ({
          kind: "enqueued",
          orders: Array.from({ length: 11 }, (_, i) => orderOf(`t${first + i}`)),
        }),
      ),
      worker.map((number): Act => ({ kind: "asked", worker: number })),
      fc
        .tuple(fc.boolean(), worker, fc.nat(3))
        .map(
          ([isEnd, number, count]): Act =>
            isEnd ? { kind: "finish", worker: number, count } : { kind: "return", worker: number, count },
        ),
      worker.map((number): Act => ({ kind: "leaving", worker: number })),
      attempt.map((id): Act => ({ kind: "cancelled", attempts: [id] })),
      worker.map((number): Act => ({ kind: "exited", worker: number, cause: "exited" })),
      fc.constant<Act>({ kind: "tick" }),
    );
    const property = fc.property(fc.array(act, { maxLength: 60 }), fc.boolean(), (story, isSlow) => {
      const queue = warm(3);
      const hands = new Map<number, string[]>();
      const accepted = new Set<string>();
      const ends: string[] = [];
      let now = 0;
      const apply = (event: QueueEvent) => {
        for (const command of queue.apply(event, now)) {
          if (command.kind === "give") hands.set(command.worker, handsIn([command])[0]);
          if (command.kind !== "emit") continue;
          const { kind } = command.event;
          if (kind === "attemptEnded" || kind === "attemptLost") ends.push(command.event.attempt);
        }
        queue.check();
      };
      const finish = (number: number, count: number) => {
        for (const id of hands.get(number)?.splice(0, count) ?? []) {
          apply({ kind: "ended", worker: number, ended: { attempt: id, result: SHORT } });
        }
      };
      for (const next of story) {
        now += isSlow ? 1_500 : 10;
        if (next.kind === "finish") finish(next.worker, next.count);
        else if (next.kind === "return") {
          const attempts = hands.get(next.worker)?.splice(1, next.count) ?? [];
          apply({ kind: "returned", worker: next.worker, attempts });
        } else {
          if (next.kind === "enqueued") for (const { attempt: id } of next.orders) accepted.add(id);
          if (next.kind === "exited") hands.delete(next.worker);
          apply(next);
        }
      }
      for (let round = 0; round < 60; round++) {
        for (let number = 0; number < 3; number++) {
          finish(number, 100);
          apply({ kind: "asked", worker: number });
          const isIdle = (hands.get(number) ?? []).length === 0;
          if (isIdle && round % 20 === 19) apply({ kind: "exited", worker: number, cause: "exited" });
        }
      }
      expect(ends.toSorted()).toEqual([...accepted].toSorted());
    });
    fc.assert(property, { numRuns: 500 });
  });
});
