/** Placement: written cases, and random clusters against what must hold of every grant. */
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { AgentInfo } from "../../../core/cluster/agent_info.ts";
import {
  describeMissing,
  type Place,
  type Placement,
  type PlacementRequest,
  placeWorkers,
} from "../../../core/cluster/placement.ts";
import { agentInfo, GIB, request } from "./agents.ts";

function place(id: string, freeSlots: number, changes: Partial<AgentInfo> = {}): Place {
  const agent = agentInfo(id, changes);
  return { agent, load: { freeSlots, freeMemoryBytes: agent.memoryBytes } };
}

function workersOf({ grants }: Placement): Record<string, number> {
  return Object.fromEntries(grants.map(({ agent, workers }) => [agent.id, workers]));
}

describe("placeWorkers()", () => {
  test("spreads over machines rather than filling the slots of one", () => {
    const places = [place("a", 8), place("b", 8), place("c", 8)];
    expect(workersOf(placeWorkers(request("j", 3), places))).toEqual({ a: 1, b: 1, c: 1 });
    expect(workersOf(placeWorkers(request("j", 7), places))).toEqual({ a: 3, b: 2, c: 2 });
  });

  test("counts two agents of one host as one machine", () => {
    const places = [place("a1", 4, { host: "a" }), place("a2", 4, { host: "a" }), place("b", 4)];
    expect(workersOf(placeWorkers(request("j", 4), places))).toEqual({ a1: 1, a2: 1, b: 2 });
  });

  test("grants what there is and tells what is missing", () => {
    const placement = placeWorkers(request("j", 5), [place("a", 2), place("b", 1), place("c", 0)]);
    expect(workersOf(placement)).toEqual({ a: 2, b: 1 });
    expect(placement.missing).toBe(2);
    expect(placement.room).toEqual({ agents: 3, suitable: 3, free: 3, total: 12 });
  });

  test("grants nothing when there are fewer than the least that is of use", () => {
    const placement = placeWorkers(request("j", 5, { leastWorkers: 4 }), [place("a", 3)]);
    expect(placement.grants).toEqual([]);
    expect(placement.missing).toBe(5);
  });

  test("passes over agents without the memory", () => {
    const places = [place("a", 4, { memoryBytes: 2.5 * GIB }), place("b", 4, { memoryBytes: GIB - 1 })];
    const placement = placeWorkers(request("j", 4), places);
    expect(workersOf(placement)).toEqual({ a: 2 });
    expect(placement.grants[0]?.memoryBytes).toBe(2 * GIB);
  });

  test("takes what an agent has for each slot where no memory is asked for", () => {
    const used = { agent: agentInfo("a"), load: { freeSlots: 3, freeMemoryBytes: 5 * GIB } };
    const placement = placeWorkers(request("j", 4, { memoryBytes: 0 }), [used]);
    expect(placement.grants).toMatchObject([{ workers: 2, memoryBytes: 4 * GIB }]);
    expect(placement.room).toMatchObject({ free: 2, total: 4 });
  });

  test("takes only agents that labels, rack, data centre, platform and exclusion allow", () => {
    const places = [
      place("a", 4, { labels: { gpu: "yes" }, rack: "r2" }),
      place("b", 4, { labels: { gpu: "no" }, dataCenter: "dc2" }),
      place("c", 4, { platform: "linux-arm64" }),
    ];
    const granted = (changes: Partial<PlacementRequest>) =>
      Object.keys(workersOf(placeWorkers(request("j", 12, changes), places)));
    expect(granted({ labels: { gpu: "yes" } })).toEqual(["a"]);
    expect(granted({ labels: { toString: "x" } })).toEqual([]);
    expect(granted({ rack: "r2" })).toEqual(["a"]);
    expect(granted({ dataCenter: "dc2" })).toEqual(["b"]);
    expect(granted({ platform: "linux-arm64" })).toEqual(["c"]);
    expect(granted({ exclude: ["a", "c"] })).toEqual(["b"]);
  });

  test("goes where the inputs lie, and in proportion to them", () => {
    const places = [place("a", 4), place("b", 4), place("c", 4)];
    const near = [
      { agent: "b", bytes: 300 },
      { agent: "c", bytes: 100 },
    ];
    expect(workersOf(placeWorkers(request("j", 4, { near }), places))).toEqual({ b: 3, c: 1 });
  });

  test("goes to the rack, then the data centre, of inputs whose host is full", () => {
    const full = place("full", 0, { dataCenter: "d1", rack: "r1" });
    const rack = place("zrack", 1, { dataCenter: "d1", rack: "r1" });
    const centre = place("centre", 1, { dataCenter: "d1", rack: "r2" });
    const other = place("other", 1, { dataCenter: "d2", rack: "r1" });
    const near = [{ agent: "full", bytes: 100 }];
    const granted = (places: readonly Place[]) => workersOf(placeWorkers(request("j", 1, { near }), places));
    expect(granted([full, other, centre, rack])).toEqual({ zrack: 1 });
    expect(granted([full, other, centre])).toEqual({ centre: 1 });
    expect(granted([full, other])).toEqual({ other: 1 });
  });
});

describe("describeMissing()", () => {
  const tell = (places: readonly Place[], changes: Partial<PlacementRequest> = {}) => {
    const wanted = request("j", 5, { leastWorkers: 5, ...changes });
    return describeMissing(wanted, placeWorkers(wanted, places));
  };
  test("tells why in one line", () => {
    expect(tell([])).toBe("there is no room for 5 workers of 1024 MiB: the cluster has no agents");
    expect(tell([place("a", 4)], { rack: "r9", leastWorkers: 1 })).toBe(
      "there is no room for a worker of 1024 MiB: none of 1 agent has rack r9",
    );
    expect(tell([place("a", 4)], { labels: { gpu: "yes" }, platform: "p", exclude: ["a"] })).toEndWith(
      "none of 1 agent has labels gpu=yes, platform p, or may be asked",
    );
    expect(tell([place("a", 4)], { exclude: ["a"] })).toEndWith("none of 1 agent may be asked");
    expect(tell([place("a", 4)], { memoryBytes: 0 })).toBe(
      "there is no room for 5 workers: 1 agent has room for 4 when nothing else runs",
    );
    expect(tell([place("a", 1), place("b", 1), place("c", 4, { rack: "r2" })], { rack: "r1" })).toBe(
      "there is no room for 5 workers of 1024 MiB now: 2 suitable of 3 agents have room for 2 at the moment",
    );
    const wanted = request("j", 1);
    const behind = { ...placeWorkers(wanted, [place("a", 0)]), ahead: 1 };
    expect(describeMissing(wanted, behind)).toEndWith("room for 0 at the moment, and 1 job waits before");
  });
});

const ids = ["a", "b", "c", "d", "e", "f"];
const arbitraryPlaces: fc.Arbitrary<readonly Place[]> = fc
  .array(
    fc.record({
      dataCenter: fc.constantFrom("d1", "d2"),
      rack: fc.constantFrom("r1", "r2"),
      host: fc.constantFrom("h1", "h2", "h3"),
      platform: fc.constantFrom("linux-x64", "linux-arm64"),
      freeSlots: fc.nat(5),
      freeGib: fc.nat(5),
      gpu: fc.boolean(),
    }),
    { maxLength: ids.length },
  )
  .map((all) =>
    all.map(({ freeSlots, freeGib, gpu, ...where }, i) => ({
      agent: agentInfo(ids[i] ?? "z", { ...where, slots: 5, labels: gpu ? { gpu: "1" } : {} }),
      load: { freeSlots, freeMemoryBytes: freeGib * GIB },
    })),
  );
const arbitraryRequest: fc.Arbitrary<PlacementRequest> = fc.record(
  {
    job: fc.constant("j"),
    workers: fc.nat(12),
    leastWorkers: fc.integer({ min: 1, max: 6 }),
    memoryBytes: fc.constantFrom(0, GIB / 2, GIB, 2 * GIB),
    rack: fc.constantFrom("r1", "r2"),
    platform: fc.constantFrom("linux-x64", "linux-arm64"),
    labels: fc.constant({ gpu: "1" }),
    near: fc.array(fc.record({ agent: fc.constantFrom(...ids), bytes: fc.nat(1000) }), { maxLength: 4 }),
    exclude: fc.array(fc.constantFrom(...ids), { maxLength: 2 }),
  },
  { requiredKeys: ["job", "workers", "memoryBytes"] },
);

function memoryAt({ agent }: Place, { memoryBytes }: PlacementRequest): number {
  return memoryBytes === 0 ? Math.floor(agent.memoryBytes / agent.slots) : memoryBytes;
}

function roomAt(place: Place, wanted: PlacementRequest): number {
  const { freeSlots, freeMemoryBytes } = place.load;
  return Math.min(freeSlots, Math.floor(freeMemoryBytes / memoryAt(place, wanted)));
}

function allows(wanted: PlacementRequest, { agent }: Place): boolean {
  if (wanted.rack !== undefined && wanted.rack !== agent.rack) return false;
  if (wanted.platform !== undefined && wanted.platform !== agent.platform) return false;
  if (wanted.labels !== undefined && agent.labels.gpu !== "1") return false;
  return !(wanted.exclude ?? []).includes(agent.id);
}

function distance(a: AgentInfo, b: AgentInfo): number {
  if (a.dataCenter !== b.dataCenter) return 1000;
  if (a.rack !== b.rack) return 100;
  return a.host === b.host ? 1 : 10;
}

describe("placeWorkers() on random clusters", () => {
  test("grants as many as fit, where they fit, whatever the order of the agents", () => {
    fc.assert(
      fc.property(
        arbitraryRequest,
        arbitraryPlaces,
        fc.infiniteStream(fc.nat()),
        (wanted, places, numbers) => {
          const placement = placeWorkers(wanted, places);
          const allowed = places.filter((one) => allows(wanted, one));
          const free = allowed.reduce((sum, one) => sum + roomAt(one, wanted), 0);
          const fitting = Math.min(wanted.workers, free);
          const count = fitting < (wanted.leastWorkers ?? 1) ? 0 : fitting;
          expect(placement.missing).toBe(wanted.workers - count);
          expect(placement.grants.reduce((sum, { workers }) => sum + workers, 0)).toBe(count);
          for (const { agent, workers, memoryBytes } of placement.grants) {
            const at = allowed.find((one) => one.agent.id === agent.id);
            expect(at && roomAt(at, wanted)).toBeGreaterThanOrEqual(workers);
            expect(workers).toBeGreaterThan(0);
            expect(memoryBytes).toBe(at === undefined ? 0 : workers * memoryAt(at, wanted));
          }
          const shuffled = places
            .map((one) => ({ one, at: numbers.next().value }))
            .sort((a, b) => a.at - b.at)
            .map(({ one }) => one);
          expect(workersOf(placeWorkers(wanted, shuffled))).toEqual(workersOf(placement));
        },
      ),
    );
  });

  test("without inputs, no machine with room has two workers fewer than another", () => {
    fc.assert(
      fc.property(arbitraryRequest, arbitraryPlaces, ({ near: _, ...wanted }, places) => {
        const granted = workersOf(placeWorkers(wanted, places));
        const machines = Map.groupBy(
          places.filter((one) => allows(wanted, one)),
          ({ agent }) => agent.host,
        );
        const counts = [...machines.values()].map((own) => ({
          workers: own.reduce((sum, { agent }) => sum + (granted[agent.id] ?? 0), 0),
          room: own.reduce((sum, one) => sum + roomAt(one, wanted), 0),
        }));
        const most = Math.max(0, ...counts.map(({ workers }) => workers));
        if (most === 0) return;
        for (const { workers, room } of counts) expect(Math.min(room, most - 1)).toBeLessThanOrEqual(workers);
      }),
    );
  });

  test("puts a single worker where its inputs have the shortest way", () => {
    fc.assert(
      fc.property(arbitraryRequest, arbitraryPlaces, (changes, places) => {
        const { leastWorkers: _, ...wanted } = { ...changes, workers: 1 };
        const at = placeWorkers(wanted, places).grants[0]?.agent;
        const way = (agent: AgentInfo) =>
          (wanted.near ?? []).reduce((sum, input) => {
            const from = places.find((one) => one.agent.id === input.agent);
            return from === undefined ? sum : sum + input.bytes * distance(agent, from.agent);
          }, 0);
        const ways = places
          .filter((one) => allows(wanted, one) && roomAt(one, wanted) > 0)
          .map(({ agent }) => way(agent));
        if (at !== undefined) expect(way(at)).toBe(Math.min(...ways));
      }),
    );
  });
});
