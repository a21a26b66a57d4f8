/** The registry: written cases, and random stories with what must hold after each event. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import type { AgentInfo, Heartbeat } from "../../../core/cluster/agent_info.ts";
import { AGENT_TRANSITIONS } from "../../../core/cluster/agent_record.ts";
import { Registry, type RegistryChange } from "../../../core/cluster/registry.ts";
import { renderTransitions } from "../../../core/schedule/transitions.ts";
import { agentInfo, heartbeat, jobLoad, request } from "./agents.ts";

const LOST_MS = 10_000;
const FORGET_MS = 60_000;

function open(): Registry {
  return new Registry({ lostMs: LOST_MS, forgetMs: FORGET_MS });
}

function hear(registry: Registry, beat: Heartbeat, now: number): readonly string[] {
  const changes = registry.apply({ kind: "heartbeat", heartbeat: beat }, now);
  registry.check();
  return changes.map(({ kind, agent }) => `${kind} ${agent.id}`);
}

function tick(registry: Registry, now: number): readonly string[] {
  return registry.apply({ kind: "tick" }, now).map(({ kind, agent }) => `${kind} ${agent.id}`);
}

const statesOf = (registry: Registry, now: number) =>
  Object.fromEntries(registry.agents(now).map(({ agent, state }) => [agent.id, state]));

test("docs/states.md shows the states of an agent", () => {
  const text = readFileSync(new URL("../../../docs/states.md", import.meta.url), "utf8");
  expect(text).toContain(renderTransitions(AGENT_TRANSITIONS));
});

describe("Registry", () => {
  test("loses an agent that is silent, shows it for a while, and forgets it", () => {
    const registry = open();
    expect(hear(registry, heartbeat(agentInfo("a"), 0), 0)).toEqual(["joined a"]);
    expect(hear(registry, heartbeat(agentInfo("a"), 1), 5_000)).toEqual([]);
    expect(registry.nextDeadline()).toBe(15_000);
    expect(tick(registry, 14_999)).toEqual([]);
    expect(tick(registry, 15_000)).toEqual(["lost a"]);
    expect(registry.agents(15_000)).toMatchObject([{ state: "lost", silentMs: 10_000 }]);
    expect(registry.place(request("j", 1), 15_000).missing).toBe(1);
    expect(tick(registry, 74_999)).toEqual([]);
    expect(tick(registry, 75_000)).toEqual(["forgotten a"]);
    expect(registry.agents(75_000)).toEqual([]);
    expect(registry.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
  });

  test("has an agent back after it was lost, and when it starts anew", () => {
    const registry = open();
    hear(registry, heartbeat(agentInfo("a"), 7), 0);
    tick(registry, 20_000);
    expect(hear(registry, heartbeat(agentInfo("a"), 8), 21_000)).toEqual(["returned a"]);
    const second = agentInfo("a", { incarnation: "a-2" });
    expect(hear(registry, heartbeat(second, 0), 22_000)).toEqual(["replaced a"]);
    expect(registry.agents(22_000)).toMatchObject([{ agent: { incarnation: "a-2" }, state: "alive" }]);
  });

  test("refuses a name that another host has, telling both, once as news", () => {
    const registry = open();
    hear(registry, heartbeat(agentInfo("a"), 0), 0);
    const twin = agentInfo("a", { incarnation: "x", host: "other", address: "other:7401" });
    const [refused] = registry.apply({ kind: "heartbeat", heartbeat: heartbeat(twin, 0) }, 1);
    if (refused?.kind !== "refused") throw new Error("not refused");
    expect(refused.error.code).toBe("name-taken");
    expect(refused.error.message).toBe(
      "Cannot take agent a of host other (other:7401) in: agent a of host a.example (a.example:7401) " +
        "has that name; give one of them another",
    );
    expect(refused.isNew).toBe(true);
    const [again] = registry.apply({ kind: "heartbeat", heartbeat: heartbeat(twin, 1) }, 2);
    expect(again).toMatchObject({ kind: "refused", isNew: false });
    expect(registry.agents(2)).toMatchObject([{ agent: { incarnation: "a-1" } }]);
    // The holder falls silent: the name is free again.
    tick(registry, LOST_MS);
    expect(hear(registry, heartbeat(twin, 2), LOST_MS + 1)).toEqual(["returned a"]);
  });

  test("does not give a name back to the process that was replaced", () => {
    const registry = open();
    hear(registry, heartbeat(agentInfo("a"), 0), 0);
    hear(registry, heartbeat(agentInfo("a", { incarnation: "a-2" }), 0), 1);
    expect(hear(registry, heartbeat(agentInfo("a"), 1), 2)).toEqual(["refused a"]);
    expect(hear(registry, heartbeat(agentInfo("a", { incarnation: "a-2" }), 1), 3)).toEqual([]);
  });

  test("takes no heartbeat that was overtaken", () => {
    const registry = open();
    const agent = agentInfo("a");
    hear(registry, heartbeat(agent, 5, [jobLoad("j", 2)]), 0);
    hear(registry, heartbeat(agent, 4), 1);
    expect(registry.jobs(0).length).toBe(1);
    hear(registry, { ...heartbeat(agent, 6), isLeaving: true }, 2);
    expect(hear(registry, heartbeat(agent, 5), 3)).toEqual([]);
    expect(statesOf(registry, 3)).toEqual({ a: "left" });
  });

  test("puts a job together from its agents", () => {
    const registry = open();
    hear(registry, heartbeat(agentInfo("b"), 0, [jobLoad("j", 2, { since: 50 })]), 0);
    hear(registry, heartbeat(agentInfo("a"), 0, [jobLoad("j", 1, { since: 40, state: "ending" })]), 0);
    hear(registry, heartbeat(agentInfo("c"), 0, [jobLoad("i", 1, { since: 60 })]), 0);
    expect(registry.jobs(0)).toEqual([
      {
        job: "j",
        name: "name of j",
        program: "words.ts",
        driver: "ann@laptop",
        state: "ending",
        since: 40,
        workers: 3,
        agents: [
          { agent: "a", workers: 1 },
          { agent: "b", workers: 2 },
        ],
      },
      expect.objectContaining({ job: "i", state: "running" }),
    ]);
  });

  test("keeps granted slots for their job until its agent tells of it, or for a moment", () => {
    const registry = open();
    const agent = agentInfo("a");
    hear(registry, heartbeat(agent, 0), 0);
    expect(registry.place(request("j1", 3), 1).missing).toBe(0);
    expect(registry.place(request("j2", 3), 2).missing).toBe(2);
    expect(registry.agents(2)).toMatchObject([{ promisedSlots: 4 }]);
    registry.dropPromises("j1");
    expect(registry.place(request("j1", 4), 3).missing).toBe(1);
    hear(registry, heartbeat(agent, 1, [jobLoad("j1", 3)]), 4);
    expect(registry.agents(4)).toMatchObject([{ promisedSlots: 1 }]);
    tick(registry, 9_000);
    hear(registry, heartbeat(agent, 2, [jobLoad("j1", 3)]), 9_000);
    tick(registry, 12_003);
    expect(registry.agents(12_003)).toMatchObject([{ promisedSlots: 0 }]);
  });

  test("does not lose those that it could not hear", () => {
    const registry = open();
    hear(registry, heartbeat(agentInfo("a"), 0), 0);
    hear(registry, heartbeat(agentInfo("b"), 0), 5_000);
    expect(registry.apply({ kind: "stoodStill", ms: 53_000 }, 60_000)).toEqual([]);
    registry.check();
    expect(tick(registry, 62_999)).toEqual([]);
    expect(tick(registry, 63_000)).toEqual(["lost a"]);
    expect(tick(registry, 67_999)).toEqual([]);
    expect(tick(registry, 68_000)).toEqual(["lost b"]);
  });

  test("tells when there may be more room", () => {
    const registry = open();
    const gained = (act: () => unknown) => {
      const { gains } = registry;
      act();
      return registry.gains > gains;
    };
    const beat = (sequence: number, now: number, jobs: Parameters<typeof heartbeat>[2] = []) =>
      gained(() => hear(registry, heartbeat(agentInfo("a"), sequence, jobs), now));
    expect(beat(0, 0)).toBe(true);
    expect(beat(1, 1)).toBe(false);
    expect(gained(() => registry.place(request("j", 2), 2))).toBe(false);
    expect(beat(2, 3, [jobLoad("i", 1)])).toBe(false);
    expect(beat(3, 4)).toBe(true);
    expect(beat(4, 9_000)).toBe(false);
    // The promise of the grant has ended.
    expect(gained(() => tick(registry, 10_002))).toBe(true);
    expect(gained(() => tick(registry, 19_000))).toBe(false);
    expect(beat(5, 19_001)).toBe(true);
  });

  test("has room for a bounded number of agents, and forgets the gone ones first", () => {
    const registry = new Registry({ lostMs: LOST_MS, maxAgents: 2 });
    hear(registry, heartbeat(agentInfo("a"), 0), 0);
    hear(registry, heartbeat(agentInfo("b"), 0), 9_000);
    expect(hear(registry, heartbeat(agentInfo("c"), 0), 9_500)).toEqual(["refused c"]);
    expect(hear(registry, heartbeat(agentInfo("c"), 1), 10_000)).toEqual([
      "lost a",
      "forgotten a",
      "joined c",
    ]);
  });
});

/** One thing that happens in a random story. */
type Happening =
  | { readonly kind: "beat"; readonly name: number; readonly process: number; readonly isLeaving: boolean }
  /** Comes again, or late. */
  | { readonly kind: "old"; readonly name: number; readonly process: number; readonly back: number }
  | { readonly kind: "time"; readonly ms: number }
  | { readonly kind: "place"; readonly job: number; readonly workers: number }
  | { readonly kind: "start"; readonly name: number; readonly job: number; readonly workers: number };

const name = fc.nat(2);
const process = fc.nat(3);
const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("beat" as const),
      name,
      process,
      isLeaving: fc.constant(false),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("beat" as const), name, process, isLeaving: fc.constant(true) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("old" as const), name, process, back: fc.nat(3) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("time" as const),
      ms: fc.constantFrom(1, 3_000, 10_000, 60_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("place" as const), job: fc.nat(2), workers: fc.nat(9) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("start" as const),
      name,
      job: fc.nat(2),
      workers: fc.integer({ min: 1, max: 4 }),
    }),
  },
);

/** Two hosts with two processes each that have a name. */
function processOf(id: number, number: number): AgentInfo {
  const host = `host${number >> 1}`;
  return agentInfo(`n${id}`, { incarnation: `n${id}-${number}`, host, address: `${host}:7401` });
}

class Story {
  readonly registry = open();
  now = 0;
  readonly #sequences = new Map<string, number>();
  readonly #jobs = new Map<number, ReturnType<typeof jobLoad>[]>();
  /** As the changes tell it. */
  readonly #states = new Map<string, string>();

  run(one: Happening): void {
    switch (one.kind) {
      case "time":
        this.now += one.ms;
        this.#take(this.registry.apply({ kind: "tick" }, this.now));
        break;
      case "place":
        this.#place(one.job, one.workers);
        break;
      case "start":
        this.#jobs.set(one.name, [jobLoad(`j${one.job}`, one.workers)]);
        break;
      case "beat":
      case "old":
        this.#beat(one);
        break;
    }
    this.registry.check();
    const shown: Record<string, string> = Object.fromEntries(
      this.registry.agents(this.now).map(({ agent, state }) => [agent.id, state]),
    );
    expect(shown).toEqual(Object.fromEntries([...this.#states].sort()));
  }

  #beat(one: Happening & { readonly kind: "beat" | "old" }): void {
    const agent = processOf(one.name, one.process);
    const sequence = this.#sequences.get(agent.incarnation) ?? 0;
    if (one.kind === "beat") this.#sequences.set(agent.incarnation, sequence + 1);
    const beat = heartbeat(
      agent,
      one.kind === "beat" ? sequence + 1 : Math.max(0, sequence - one.back),
      this.#jobs.get(one.name) ?? [],
    );
    const isLeaving = one.kind === "beat" && one.isLeaving;
    const changes = this.registry.apply(
      { kind: "heartbeat", heartbeat: isLeaving ? { ...beat, isLeaving } : beat },
      this.now,
    );
    this.#take(changes);
    const isRefused = changes.some(({ kind }) => kind === "refused");
    const view = this.registry.agents(this.now).find((known) => known.agent.id === agent.id);
    if (isRefused) {
      // Only for one that holds the name and is heard of.
      expect(view?.state).toBe("alive");
      expect(view?.agent.incarnation).not.toBe(agent.incarnation);
    } else if (one.kind === "beat") {
      expect(view).toMatchObject({ agent, state: isLeaving ? "left" : "alive", silentMs: 0 });
    }
  }

  #place(job: number, workers: number): void {
    const before = new Map(this.registry.agents(this.now).map((view) => [view.agent.id, view]));
    const own = request(`j${job}`, workers, { memoryBytes: 0 });
    const { grants, missing } = this.registry.place(own, this.now);
    expect(grants.reduce((sum, grant) => sum + grant.workers, missing)).toBe(workers);
    for (const { agent, promisedSlots, load, state } of this.registry.agents(this.now)) {
      const granted = grants.find((grant) => grant.agent.id === agent.id)?.workers ?? 0;
      if (granted === 0) continue;
      expect(state).toBe("alive");
      expect(promisedSlots).toBeLessThanOrEqual(load.freeSlots);
      expect(granted).toBeLessThanOrEqual(before.get(agent.id)?.load.freeSlots ?? 0);
    }
  }

  #take(changes: readonly RegistryChange[]): void {
    for (const { kind, agent } of changes) {
      const state = this.#states.get(agent.id);
      switch (kind) {
        case "joined":
          expect(state).toBeUndefined();
          this.#states.set(agent.id, "alive");
          break;
        case "returned":
          expect(["lost", "left"]).toContain(state ?? "");
          this.#states.set(agent.id, "alive");
          break;
        case "replaced":
        case "refused":
          expect(state).toBe("alive");
          break;
        case "lost":
          expect(state).toBe("alive");
          this.#states.set(agent.id, "lost");
          break;
        case "left":
          expect(state).not.toBe("left");
          this.#states.set(agent.id, "left");
          break;
        case "forgotten":
          expect(["lost", "left"]).toContain(state ?? "");
          this.#states.delete(agent.id);
          break;
      }
    }
  }

  /** What a master that is started now knows after each agent was heard once. */
  expectSameAfterRestart(): void {
    const restarted = open();
    const alive = this.registry.agents(this.now).filter(({ state }) => state === "alive");
    for (const { agent, load } of alive) {
      restarted.apply({ kind: "heartbeat", heartbeat: { agent, load, sequence: 999 } }, 0);
    }
    expect(restarted.jobs(0)).toEqual(this.registry.jobs(0));
    expect(restarted.agents(0).map(({ agent }) => agent)).toEqual(alive.map(({ agent }) => agent));
  }
}

test("Registry holds its invariants in random stories, and a restarted one learns the same", () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
      const story = new Story();
      for (const one of happenings) story.run(one);
      story.expectSameAfterRestart();
    }),
    { numRuns: 300 },
  );
});
