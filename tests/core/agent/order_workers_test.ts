/** Orders that name workers: only these get them, in the order of coming, and none waits for who is not there. */
import { describe, expect, test } from "bun:test";
import { AgentQueue } from "../../../core/agent/agent_queue.ts";
import type { QueueCommand } from "../../../core/agent/queue_events.ts";
import { type AttemptResult, NO_TOTALS } from "../../../core/schedule/report.ts";
import { Random } from "../../simulation/random.ts";
import { orderOf } from "./orders.ts";

const COMMITTED: AttemptResult = { kind: "committed", shard: { partitions: [] }, totals: NO_TOTALS };

const order = (attempt: string, workers?: readonly number[]) =>
  orderOf(attempt, workers === undefined ? {} : { workers });

function started(workers: number): AgentQueue {
  const queue = new AgentQueue();
  queue.apply({ kind: "start", firstWorker: 0, workers }, 0);
  return queue;
}

function given(commands: readonly QueueCommand[]): string[] {
  return commands.flatMap((one) => (one.kind === "give" ? [`${one.worker} ${one.order.attempt}`] : []));
}

describe("AgentQueue with orders that name workers", () => {
  test("gives an order only to its workers, and others what came behind it", () => {
    const queue = started(3);
    queue.apply({ kind: "enqueued", orders: [order("a", [2]), order("b", [1, 2]), order("c")] }, 1);
    expect(given(queue.apply({ kind: "asked", worker: 0 }, 2))).toEqual(["0 c"]);
    expect(given(queue.apply({ kind: "asked", worker: 1 }, 3))).toEqual(["1 b"]);
    queue.apply({ kind: "enqueued", orders: [order("d")] }, 4);
    expect(given(queue.apply({ kind: "asked", worker: 2 }, 5))).toEqual(["2 a"]);
    const ended = { attempt: "a", result: COMMITTED };
    expect(given(queue.apply({ kind: "asked", worker: 2, ended }, 6))).toEqual(["2 d"]);
  });

  test("gives it to a worker that waits, and not to one that waits for longer", () => {
    const queue = started(2);
    queue.apply({ kind: "asked", worker: 0 }, 1);
    queue.apply({ kind: "asked", worker: 1 }, 2);
    expect(given(queue.apply({ kind: "enqueued", orders: [order("a", [1])] }, 3))).toEqual(["1 a"]);
    expect(given(queue.apply({ kind: "enqueued", orders: [order("b", [1])] }, 4))).toEqual([]);
    queue.check();
  });

  test("waits for a worker that is started again", () => {
    const queue = started(2);
    queue.apply({ kind: "enqueued", orders: [order("a", [1])] }, 1);
    queue.apply({ kind: "exited", worker: 1, cause: "was killed" }, 2);
    expect(given(queue.apply({ kind: "asked", worker: 0 }, 3))).toEqual([]);
    expect(given(queue.apply({ kind: "asked", worker: 1 }, 4))).toEqual(["1 a"]);
  });

  test("gives an order back at once whose workers are not there, which counts as nobody's fault", () => {
    const queue = started(1);
    const commands = queue.apply({ kind: "enqueued", orders: [order("a", [4, 5]), order("b")] }, 1);
    expect(commands).toMatchObject([
      { kind: "discarded", attempt: "a", cause: "Cannot run a: the agent has no worker 4 or 5 any more" },
      { kind: "emit", event: { kind: "attemptLost", attempt: "a", isDrained: true } },
    ]);
    expect(given(queue.apply({ kind: "asked", worker: 0 }, 2))).toEqual(["0 b"]);
  });

  test("loses orders of a worker that cannot be started, and others go on", () => {
    const queue = started(2);
    queue.apply({ kind: "enqueued", orders: [order("a", [1]), order("b")] }, 1);
    queue.apply({ kind: "exited", worker: 1, cause: "exited with code 9" }, 2);
    queue.apply({ kind: "exited", worker: 1, cause: "exited with code 9" }, 3);
    const commands = queue.apply({ kind: "exited", worker: 1, cause: "exited with code 9" }, 4);
    expect(commands).toContainEqual({
      kind: "discarded",
      attempt: "a",
      cause: "Cannot start a worker: it exited with code 9",
    });
    expect(given(queue.apply({ kind: "asked", worker: 0 }, 5))).toEqual(["0 b"]);
  });

  test("ends every order once, on one of its workers, in any story", () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const random = new Random(seed);
      const queue = started(3);
      const sets = new Map<string, readonly number[]>();
      const ends: string[] = [];
      let now = 0;
      const apply = (event: Parameters<AgentQueue["apply"]>[0]): void => {
        now += 1;
        for (const command of queue.apply(event, now)) {
          if (command.kind === "give") {
            for (const { attempt } of [command.order, ...(command.more ?? [])]) {
              expect(sets.get(attempt) ?? [0, 1, 2]).toContain(command.worker);
            }
          }
          if (command.kind !== "emit") continue;
          const { kind } = command.event;
          if (kind === "attemptEnded" || kind === "attemptLost") ends.push(command.event.attempt);
        }
        queue.check();
      };
      const ask = (worker: number): void => {
        const attempt = queue.attemptOf(worker);
        apply({
          kind: "asked",
          worker,
          ...(attempt === undefined ? {} : { ended: { attempt, result: COMMITTED } }),
        });
      };
      for (let i = 0; i < 60; i += 1) {
        const kind = random.below(8);
        if (kind < 4) {
          const some = [0, 1, 2].filter(() => random.chance(2));
          const workers = some.length === 0 || random.chance(3) ? undefined : some;
          if (workers !== undefined) sets.set(`t${i}`, workers);
          apply({ kind: "enqueued", orders: [order(`t${i}`, workers)] });
          if (workers === undefined) sets.set(`t${i}`, [0, 1, 2]);
        } else if (kind < 7) ask(random.below(3));
        else apply({ kind: "exited", worker: random.below(3), cause: "was killed" });
      }
      for (let round = 0; round < 70; round += 1) for (const worker of [0, 1, 2]) ask(worker);
      expect(ends.toSorted()).toEqual([...sets.keys()].toSorted());
    }
  });
});
