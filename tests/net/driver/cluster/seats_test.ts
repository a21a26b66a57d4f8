/** How a job gets its workers: what it waits for, and what it takes no for. */
import { describe, expect, test } from "bun:test";
import type { AgentInfo } from "../../../../core/cluster/agent_info.ts";
import { type Placement, type PlacementRequest, placeWorkers } from "../../../../core/cluster/placement.ts";
import { LucioleError, NotEnoughResourcesError } from "../../../../core/errors.ts";
import { type Refusal, type SeatsOptions, takeSeats } from "../../../../net/driver/cluster/seats.ts";
import { UNREACHABLE } from "../../../../net/tcp_transport.ts";

function agent(id: string): AgentInfo {
  return {
    id,
    incarnation: "i",
    address: `${id}:7401`,
    dataCenter: "d",
    rack: "r",
    host: id,
    labels: {},
    version: "1",
    platform: "linux-x64",
    slots: 2,
    memoryBytes: 100,
    diskBytes: 100,
  };
}

const request: PlacementRequest = { job: "j1", workers: 2, leastWorkers: 2, memoryBytes: 0 };

/** Asks agents that have `free()` slots each. */
function options(free: () => Record<string, number>, more: Partial<SeatsOptions> = {}) {
  const notices: string[] = [];
  const asked: PlacementRequest[] = [];
  const held: number[] = [];
  const place = async (wanted: PlacementRequest, waitMs: number): Promise<Placement> => {
    asked.push(wanted);
    held.push(waitMs);
    const places = Object.entries(free()).map(([id, freeSlots]) => {
      return { agent: agent(id), load: { freeSlots, freeMemoryBytes: 100 } };
    });
    return placeWorkers(wanted, places);
  };
  const all: SeatsOptions = {
    request,
    place,
    start: async () => [],
    isPatient: true,
    onNotice: (text) => notices.push(text),
    signal: new AbortController().signal,
    ...more,
  };
  return { all, notices, asked, held };
}

const seatsOf = (grants: Awaited<ReturnType<typeof takeSeats>>) =>
  grants.map(({ agent: { id }, workers }) => [id, workers]);

describe("takeSeats()", () => {
  test("takes what is granted and started", async () => {
    const { all, notices } = options(() => ({ a: 1, b: 1 }));
    expect(seatsOf(await takeSeats(all))).toEqual([
      ["a", 1],
      ["b", 1],
    ]);
    expect(notices).toEqual([]);
  });

  test("says once what it waits for, and takes it when it comes", async () => {
    let rounds = 0;
    const { all, notices, asked } = options(() => ({ a: ++rounds < 4 ? 1 : 2 }));
    expect(seatsOf(await takeSeats(all))).toEqual([["a", 2]]);
    expect(notices.length).toBe(1);
    expect(notices[0]).toStartWith("waiting: there is no room for 2 workers");
    expect(asked.length).toBe(4);
  });

  test("does not wait long without the agents that refused", async () => {
    let rounds = 0;
    const refuseFirst = async (grants: readonly { agent: AgentInfo }[]): Promise<readonly Refusal[]> =>
      rounds > 3
        ? []
        : grants.map(({ agent: { id } }) => ({ agent: id, error: new NotEnoughResourcesError("taken") }));
    const { all, asked, held } = options(() => ({ a: ++rounds < 2 ? 0 : 2 }), { start: refuseFirst });
    expect(seatsOf(await takeSeats(all))).toEqual([["a", 2]]);
    expect(asked.map(({ exclude }) => exclude)).toEqual([[], [], ["a"], []]);
    expect(held).toEqual([250, 20_000, 1, 20_000]);
  });

  test("fails at once when it may not wait", async () => {
    const { all } = options(() => ({ a: 1 }), { isPatient: false });
    expect(takeSeats(all)).rejects.toThrow(/^Cannot run the job: there is no room for 2 workers/);
  });

  test("passes over an agent that has no room after all", async () => {
    const refuse = async (grants: readonly { agent: AgentInfo }[]): Promise<readonly Refusal[]> =>
      grants
        .filter(({ agent: { id } }) => id === "a")
        .map(({ agent: { id } }) => ({
          agent: id,
          error: new NotEnoughResourcesError("Cannot: it is full"),
        }));
    const { all, notices } = options(() => ({ a: 1, b: 2 }), { start: refuse });
    expect(seatsOf(await takeSeats(all))).toEqual([["b", 2]]);
    expect(notices).toEqual(["agent a is passed over: Cannot: it is full"]);
  });

  test("passes over an agent that was started anew, and has none of the workers that it is to have more of", async () => {
    const error = new LucioleError("not-found", "Cannot find job j");
    const refuse = async (grants: readonly { agent: AgentInfo }[]): Promise<readonly Refusal[]> =>
      grants.filter(({ agent: { id } }) => id === "a").map(({ agent: { id } }) => ({ agent: id, error }));
    const { all } = options(() => ({ a: 1, b: 2 }), { start: refuse });
    expect(seatsOf(await takeSeats(all))).toEqual([["b", 2]]);
  });

  test("fails when none of the agents can be reached for long: waiting would not help", async () => {
    const error = new LucioleError(UNREACHABLE, "Cannot reach agent a");
    const start = async (): Promise<readonly Refusal[]> => [{ agent: "a", error }];
    const { all, asked } = options(() => ({ a: 2 }), { start, unreachableMs: 500 });
    await expect(takeSeats(all)).rejects.toThrow("Cannot reach agent a");
    expect(asked.length).toBeGreaterThan(2);
    const hasty = options(() => ({ a: 2 }), { start, isPatient: false });
    await expect(takeSeats(hasty.all)).rejects.toThrow("Cannot reach agent a");
    expect(hasty.asked.length).toBe(2);
  });

  test("waits for an agent that was killed and comes back", async () => {
    const error = new LucioleError(UNREACHABLE, "Cannot reach agent a");
    let starts = 0;
    const start = async (): Promise<readonly Refusal[]> => (starts++ === 0 ? [{ agent: "a", error }] : []);
    const { all } = options(() => ({ a: 2 }), { start });
    expect(seatsOf(await takeSeats(all))).toEqual([["a", 2]]);
  });

  test("fails with what an agent refuses for good, and gives back what it was granted", async () => {
    const error = new LucioleError("program", "Cannot start the program");
    const { all, asked } = options(() => ({ a: 2, b: 2 }), { start: async () => [{ agent: "a", error }] });
    await expect(takeSeats(all)).rejects.toThrow("Cannot start the program");
    expect(asked.map(({ workers }) => workers)).toEqual([2, 0]);
  });

  test("goes on waiting while the master is started anew, but not for one that never answered", async () => {
    let asks = 0;
    const gone = new LucioleError(UNREACHABLE, "Cannot use the master");
    const { all, notices } = options(() => ({ a: 2 }));
    const place = async (wanted: PlacementRequest): Promise<Placement> => {
      asks++;
      if (asks === 1) return placeWorkers(wanted, []);
      if (asks === 2) throw gone;
      return all.place(wanted, 0);
    };
    expect(seatsOf(await takeSeats({ ...all, place }))).toEqual([["a", 2]]);
    expect(notices.at(-1)).toBe("waiting for the master: Cannot use the master");
    const never = async (): Promise<Placement> => {
      throw gone;
    };
    await expect(takeSeats({ ...all, place: never })).rejects.toThrow("Cannot use the master");
  });

  test("goes on waiting for a master that was known, of a detached driver, before it has answered", async () => {
    let asks = 0;
    const { all } = options(() => ({ a: 2 }));
    const place = async (wanted: PlacementRequest): Promise<Placement> => {
      if (asks++ === 0) throw new LucioleError(UNREACHABLE, "Cannot use the master");
      return all.place(wanted, 0);
    };
    expect(seatsOf(await takeSeats({ ...all, place, isMasterKnown: true }))).toEqual([["a", 2]]);
  });

  test("gives up when the signal is aborted", async () => {
    const abort = new AbortController();
    const { all } = options(() => ({}), {
      signal: abort.signal,
      onNotice: () => abort.abort(new Error("enough")),
    });
    expect(takeSeats(all)).rejects.toThrow("enough");
  });
});
