/** The worker set of a job: epochs, and who hears of what, whatever the order in which workers join and go. */
import { expect, test } from "bun:test";
import { Membership, type MembershipCommand, type MembershipEvent } from "../../../core/job/membership.ts";
import type { WorkerInfo } from "../../../core/job/worker_info.ts";

const info = (worker: number, agent = "a"): WorkerInfo => ({ worker, agent, host: `${agent}.example` });

class Played {
  readonly membership = new Membership();
  readonly commands: MembershipCommand[] = [];

  play(...events: readonly MembershipEvent[]): this {
    for (const event of events) {
      this.commands.push(...this.membership.apply(event));
      this.membership.check();
    }
    return this;
  }

  /** Commands as lines. */
  get told(): readonly string[] {
    return this.commands.map((command) => {
      const numbers = "workers" in command ? command.workers.map(({ worker }) => worker).join(" ") : "";
      if (command.kind === "epochBegan") {
        return `epoch ${command.epoch}: ${numbers} (+${command.joined} -${command.left})`;
      }
      if (command.kind === "allJoined") return `all of epoch ${command.epoch}: ${numbers}`;
      return `${command.kind} ${command.worker.worker}`;
    });
  }
}

const added = (...workers: readonly number[]): MembershipEvent => ({
  kind: "added",
  workers: workers.map((worker) => info(worker)),
});
const started = (worker: number): MembershipEvent => ({ kind: "started", worker });
const exited = (worker: number, isFinal = false): MembershipEvent => ({
  kind: "exited",
  worker,
  cause: "exited with code 1",
  isFinal,
});
const leaving = (...workers: readonly number[]): MembershipEvent => ({ kind: "leaving", workers });
const removed = (...workers: readonly number[]): MembershipEvent => ({ kind: "removed", workers });

/** All orders of some things. */
function ordersOf<T>(things: readonly T[]): readonly (readonly T[])[] {
  if (things.length < 2) return [things];
  return things.flatMap((first, at) => ordersOf(things.toSpliced(at, 1)).map((rest) => [first, ...rest]));
}

test("S2: an epoch is told as complete once, whatever the order of joins", () => {
  for (const order of ordersOf([0, 1, 2, 3])) {
    const played = new Played().play(added(0, 1, 2, 3), ...order.map(started), ...order.map(started));
    expect(played.told).toEqual(["epoch 1: 0 1 2 3 (+4 -0)", "all of epoch 1: 0 1 2 3"]);
  }
});

test("of two starts at once the later one may be over first, and no number is used twice", () => {
  const played = new Played().play(added(0), added(3), started(3), added(1, 2), ...[0, 2, 1].map(started));
  expect(played.told.slice(-2)).toEqual(["epoch 3: 0 3 1 2 (+2 -0)", "all of epoch 3: 0 3 1 2"]);
  for (const worker of [0, 2, 3]) expect(() => played.play(added(worker))).toThrow("was used before");
});

test("workers that were there do not have to join again for the next epoch", () => {
  const played = new Played().play(added(0, 1), started(1), started(0), added(2), started(2));
  expect(played.told.slice(2)).toEqual(["epoch 2: 0 1 2 (+1 -0)", "all of epoch 2: 0 1 2"]);
});

test("an epoch that another follows before all have joined is not told; the next one is", () => {
  const played = new Played().play(added(0, 1), started(0), added(2), started(2), started(1));
  expect(played.told).toEqual(["epoch 1: 0 1 (+2 -0)", "epoch 2: 0 1 2 (+1 -0)", "all of epoch 2: 0 1 2"]);
});

test("a loss completes an epoch that waited for the lost one alone", () => {
  const played = new Played().play(added(0, 1), started(0), removed(1));
  expect(played.told.slice(1)).toEqual(["epoch 2: 0 (+0 -1)", "all of epoch 2: 0"]);
});

test("a worker that leaves is no member from then on, and is removed without another epoch", () => {
  const played = new Played().play(added(0, 1), started(0), started(1), leaving(1), started(1), exited(1));
  played.play(removed(1), exited(1), started(1), removed(1));
  expect(played.told.slice(2)).toEqual(["epoch 2: 0 (+0 -1)", "all of epoch 2: 0"]);
  expect(played.membership.workers).toEqual([info(0)]);
});

test("a worker that crashes and comes back is told as that, and makes no epoch", () => {
  const played = new Played().play(added(0, 1), started(0), started(1), exited(0), exited(0), started(0));
  expect(played.told.slice(2)).toEqual(["workerFailed 0", "workerFailed 0", "workerRestarted 0"]);
  expect(played.membership.epoch).toBe(1);
});

test("a worker that crashes before it has joined is waited for; one that had joined is not", () => {
  const played = new Played().play(added(0, 1), started(0), exited(0), exited(1), started(1));
  expect(played.told).toEqual([
    "epoch 1: 0 1 (+2 -0)",
    "workerFailed 0",
    "workerFailed 1",
    "all of epoch 1: 0 1",
  ]);
});

test("a worker that cannot be started leaves the set", () => {
  const played = new Played().play(added(0, 1), started(0), exited(1, true));
  expect(played.told.slice(1)).toEqual(["workerFailed 1", "epoch 2: 0 (+0 -1)", "all of epoch 2: 0"]);
});

test("all workers of a lost agent go in one epoch; with none left nobody is told that all have joined", () => {
  const played = new Played().play({ kind: "added", workers: [info(0, "a"), info(1, "b"), info(2, "b")] });
  played.play(started(0), { kind: "agentLost", agent: "b" }, { kind: "agentLost", agent: "b" });
  played.play({ kind: "agentLost", agent: "a" });
  expect(played.told.slice(1)).toEqual(["epoch 2: 0 (+0 -2)", "all of epoch 2: 0", "epoch 3:  (+0 -1)"]);
  expect(played.membership.isComplete).toBe(false);
});

test("a number that was used before is refused, with the story", () => {
  const played = new Played().play(added(0, 1), removed(1));
  expect(() => played.play(added(1))).toThrow(
    /Adding worker 1: its number was used before; its story: added 0 on a, 1 on a; removed 1; added 1 on a/,
  );
});

test("random sequences: epochs grow, the set is right, and each complete epoch is told once", () => {
  for (let seed = 1; seed <= 300; seed++) randomSequence(seed);
});

function randomSequence(seed: number): void {
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const played = new Played();
  /** Whether it has joined, by number: what the set should be. */
  const set = new Map<number, boolean>();
  const agents = ["a", "b", "c"];
  for (let step = 0; step < 60; step++) {
    const worker = random(played.membership.next + 1);
    switch (random(6)) {
      case 0: {
        const agent = agents[random(3)] ?? "a";
        const workers = Array.from({ length: random(4) }, (_, i) => info(played.membership.next + i, agent));
        for (const one of workers) set.set(one.worker, false);
        played.play({ kind: "added", workers });
        break;
      }
      case 1:
        if (set.has(worker)) set.set(worker, true);
        played.play(started(worker));
        break;
      case 2:
        set.delete(worker);
        played.play(leaving(worker));
        break;
      case 3:
        set.delete(worker);
        played.play(removed(worker));
        break;
      case 4: {
        const isFinal = random(3) === 0;
        if (isFinal) set.delete(worker);
        played.play(exited(worker, isFinal));
        break;
      }
      default: {
        if (random(4) > 0) break;
        const agent = agents[random(3)] ?? "a";
        for (const one of played.membership.workers) if (one.agent === agent) set.delete(one.worker);
        played.play({ kind: "agentLost", agent });
      }
    }
    expect(played.membership.workers.map((one) => one.worker)).toEqual(
      [...set.keys()].toSorted((a, b) => a - b),
    );
    expect(played.membership.isComplete || played.membership.epoch === 0).toBe(
      played.membership.epoch === 0 || (set.size > 0 && [...set.values()].every(Boolean)),
    );
  }
  const began = played.commands.flatMap((command) => (command.kind === "epochBegan" ? [command.epoch] : []));
  expect(began).toEqual(began.map((_, i) => i + 1));
  const complete = played.commands.flatMap((command) =>
    command.kind === "allJoined" ? [command.epoch] : [],
  );
  expect(new Set(complete).size).toBe(complete.length);
}
