/** The line of waiting jobs: written cases, and random stories. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { PlacementRequest } from "../../../core/cluster/placement.ts";
import { PlacementLine, type Served } from "../../../core/cluster/placement_line.ts";
import { Registry } from "../../../core/cluster/registry.ts";
import { agentInfo, heartbeat, jobLoad, request } from "./agents.ts";

class Line {
  readonly registry = new Registry({ lostMs: 1e9, promiseMs: 1e9 });
  readonly line = new PlacementLine(this.registry);
  #sequence = 0;

  /** The agent tells how many of its four slots are taken. */
  agent(id: string, used: number, changes: Parameters<typeof agentInfo>[1] = {}): void {
    const jobs = used === 0 ? [] : [jobLoad("other", used)];
    const beat = heartbeat(agentInfo(id, changes), this.#sequence++, jobs);
    this.registry.apply({ kind: "heartbeat", heartbeat: beat }, 0);
  }

  join(ticket: number, wanted: PlacementRequest, until = 100, now = 0): void {
    this.line.join({ ticket, request: wanted, until }, now);
  }

  serve(now = 0): readonly string[] {
    return this.line.serve(now).map(tell);
  }
}

function tell({ ticket, placement }: Served): string {
  const granted = placement.grants.map(({ agent, workers }) => `${workers} on ${agent.id}`);
  return `${ticket}: ${granted.length === 0 ? "none" : granted.join(", ")}`;
}

describe("PlacementLine", () => {
  test("serves at once whoever has a place", () => {
    const line = new Line();
    line.agent("a", 0);
    line.join(1, request("j1", 2));
    expect(line.serve()).toEqual(["1: 2 on a"]);
    expect(line.line.length).toBe(0);
  });

  test("holds a job until slots are free, and then serves who asked first", () => {
    const line = new Line();
    line.agent("a", 4);
    line.join(1, request("j1", 2));
    line.join(2, request("j2", 1));
    expect(line.serve()).toEqual([]);
    line.agent("a", 3);
    expect(line.serve()).toEqual(["1: 1 on a"]);
    line.agent("a", 1);
    // One more is free, and one of the three is promised to the first.
    expect(line.serve()).toEqual(["2: 1 on a"]);
  });

  test("keeps agents for a large job from smaller ones behind it", () => {
    const line = new Line();
    line.agent("a", 2);
    line.agent("b", 3, { labels: { gpu: "1" } });
    line.join(1, request("large", 4, { leastWorkers: 4, labels: {}, exclude: ["b"] }));
    line.join(2, request("small", 1, { exclude: ["b"] }));
    line.join(3, request("gpu", 1, { labels: { gpu: "1" } }));
    expect(line.serve()).toEqual(["3: 1 on b"]);
    line.agent("a", 0);
    expect(line.serve()).toEqual(["1: 4 on a"]);
  });

  test("keeps nothing for a job that the cluster is too small for", () => {
    const line = new Line();
    line.agent("a", 0);
    line.join(1, request("huge", 9, { leastWorkers: 9 }));
    line.join(2, request("small", 1));
    expect(line.serve()).toEqual(["2: 1 on a"]);
  });

  test("tells who has waited long enough, with what stands before it, and keeps its place for a moment", () => {
    const line = new Line();
    line.agent("a", 4);
    line.join(1, request("j1", 1), 100);
    line.join(2, request("j2", 1), 100);
    line.join(3, request("j3", 1), 50);
    expect(line.line.nextDeadline()).toBe(50);
    const [third] = line.line.serve(60);
    expect(third?.placement).toMatchObject({
      grants: [],
      missing: 1,
      ahead: 2,
      room: { agents: 1, suitable: 1, free: 0, total: 4 },
    });
    line.join(4, request("j4", 1), 200, 61);
    line.join(5, request("j3", 1), 200, 62);
    line.agent("a", 0);
    expect(line.serve(63)).toEqual(["1: 1 on a", "2: 1 on a", "5: 1 on a", "4: 1 on a"]);
  });

  test("does not keep what a job was granted before from those that stand before it now", () => {
    const line = new Line();
    line.agent("a", 0);
    line.join(1, request("refused", 2));
    line.join(2, request("large", 4, { leastWorkers: 4 }));
    expect(line.serve()).toEqual(["1: 2 on a"]);
    line.join(3, request("refused", 2), 100, 1);
    expect(line.serve()).toEqual(["2: 4 on a"]);
  });

  test("forgets who leaves, and answers everybody at its end", () => {
    const line = new Line();
    line.join(1, request("j1", 1));
    line.join(2, request("j2", 1));
    expect(line.line.leave(1).map(tell)).toEqual(["1: none"]);
    expect(line.line.leave(1)).toEqual([]);
    expect(line.line.end().map(tell)).toEqual(["2: none"]);
    expect([line.line.length, line.line.nextDeadline()]).toEqual([0, Number.POSITIVE_INFINITY]);
  });
});

const RACKS = ["r0", "r1"];
const happening = fc.oneof(
  fc.record({ kind: fc.constant("agent" as const), agent: fc.nat(2), used: fc.nat(4) }),
  fc.record({
    kind: fc.constant("join" as const),
    workers: fc.integer({ min: 1, max: 8 }),
    isWhole: fc.boolean(),
    rack: fc.option(fc.constantFrom(...RACKS), { nil: undefined }),
    waitMs: fc.nat(20),
  }),
  fc.record({ kind: fc.constant("leave" as const), ticket: fc.nat(20) }),
  fc.record({ kind: fc.constant("time" as const), ms: fc.nat(10) }),
);

test("PlacementLine answers each once, in time, and lets nobody overtake for the same agents", () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 50 }), (happenings) => {
      const { registry, line, agent } = bound(new Line());
      const open = new Map<number, { readonly request: PlacementRequest; readonly until: number }>();
      let now = 0;
      let tickets = 0;
      for (const one of happenings) {
        if (one.kind === "time") now += one.ms;
        else if (one.kind === "agent") agent(`a${one.agent}`, one.used, { rack: RACKS[one.agent % 2] });
        else if (one.kind === "leave") {
          line.leave(one.ticket);
          open.delete(one.ticket);
        } else {
          const { workers, rack } = one;
          const wanted = request(`j${tickets}`, workers, {
            memoryBytes: 0,
            ...(one.isWhole ? { leastWorkers: workers } : {}),
            ...(rack === undefined ? {} : { rack }),
          });
          open.set(tickets, { request: wanted, until: now + one.waitMs });
          line.join({ ticket: tickets++, request: wanted, until: now + one.waitMs }, now);
        }
        const before = [...open.keys()];
        const served = line.serve(now);
        registry.check();
        for (const { ticket, placement } of served) {
          const waiter = open.get(ticket);
          if (waiter === undefined) throw new Error(`${ticket} was answered twice`);
          open.delete(ticket);
          const count = placement.grants.reduce((sum, { workers }) => sum + workers, 0);
          expect(count + placement.missing).toBe(waiter.request.workers);
          if (count === 0) expect(now).toBeGreaterThanOrEqual(waiter.until);
          else expect(count).toBeGreaterThanOrEqual(waiter.request.leastWorkers ?? 1);
          for (const earlier of before.filter((other) => other < ticket && open.has(other))) {
            const first = open.get(earlier)?.request;
            if (first === undefined || registry.roomFor(first).total < (first.leastWorkers ?? 1)) continue;
            const kept = registry.suitable(first);
            expect(placement.grants.filter((grant) => kept.includes(grant.agent.id))).toEqual([]);
          }
        }
        expect(line.length).toBe(open.size);
        for (const { until } of open.values()) expect(until).toBeGreaterThan(now);
        // The first in line has no place now.
        const [first] = open.values();
        if (first !== undefined) {
          expect(registry.roomFor(first.request).free).toBeLessThan(first.request.leastWorkers ?? 1);
        }
      }
    }),
    { numRuns: 300 },
  );
});

function bound(line: Line): Pick<Line, "registry" | "line" | "agent"> {
  return { registry: line.registry, line: line.line, agent: line.agent.bind(line) };
}
