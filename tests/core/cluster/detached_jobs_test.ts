/** What a list of jobs says of detached drivers, from what agents tell, alive and gone. */
import { describe, expect, test } from "bun:test";
import type { JobLoad } from "../../../core/cluster/agent_info.ts";
import { clusterJobs } from "../../../core/cluster/cluster_jobs.ts";
import type { KnownAgent } from "../../../core/cluster/detached_jobs.ts";
import type { DriverLoad } from "../../../core/cluster/driver_info.ts";
import { agentView } from "../../cmd/fake_cluster.ts";

function driver(changes: Partial<DriverLoad> = {}): DriverLoad {
  return { job: "j1", name: "wc", driver: "ann@laptop", run: 1, state: "running", since: 5, ...changes };
}

function part(job: string, workers: number): JobLoad {
  return { job, name: "wc", program: "wc", workers, state: "running", since: 7, driver: "ann@laptop" };
}

function agent(
  id: string,
  drivers: readonly DriverLoad[],
  state: KnownAgent["state"] = "alive",
  jobs: readonly JobLoad[] = [],
): KnownAgent {
  const load = { freeSlots: 1, freeMemoryBytes: 1, freeDiskBytes: 1, jobs, drivers };
  return { agent: agentView(id).agent, load, state };
}

function jobOf(...agents: readonly KnownAgent[]) {
  const [job, ...others] = clusterJobs(agents);
  expect(others).toEqual([]);
  return job;
}

describe("clusterJobs() of detached drivers", () => {
  test("shows one that has no workers yet, and all that its jobs have as one", () => {
    expect(jobOf(agent("a1", [driver({ state: "starting" })]))).toEqual({
      ...{ job: "j1", name: "wc", program: "wc", driver: "ann@laptop", since: 5 },
      ...{ state: "starting", workers: 0, agents: [], detached: { agent: "a1", run: 1 } },
    });
    const parts = [part("j1-2", 2), part("j1-2-xabc", 1)];
    const job = jobOf(
      agent("a1", [driver({ run: 2 })], "alive", parts),
      agent("a2", [], "alive", [part("j1-2", 4)]),
    );
    expect(job).toMatchObject({
      workers: 7,
      agents: [
        { agent: "a1", workers: 3 },
        { agent: "a2", workers: 4 },
      ],
    });
  });

  test("keeps jobs apart whose names only look alike", () => {
    const jobs = clusterJobs([agent("a1", [driver()], "alive", [part("j2-3", 1), part("j1", 1)])]);
    expect(jobs.map(({ job, workers }) => [job, workers])).toEqual([
      ["j1", 1],
      ["j2-3", 1],
    ]);
  });

  test("says how it ended, and does not list its job a second time", () => {
    const ended = driver({ state: "failed", endedAt: 90, exitCode: 3, cause: "no words" });
    const past = { name: "wc", driver: "ann@laptop", workers: 1, since: 6, endedAt: 80, details: [] };
    const jobs = clusterJobs([agent("a1", [ended])], [{ job: "j1", outcome: "failed", cause: "x", ...past }]);
    expect(jobs).toMatchObject([
      { job: "j1", state: "failed", cause: "no words", endedAt: 90, detached: { exitCode: 3 } },
    ]);
    expect(jobs[0]).not.toHaveProperty("details");
  });

  test("says of one that ended how many workers its job had, and where the cause was", () => {
    const ended = driver({ state: "failed", endedAt: 90, exitCode: 1, cause: "no words" });
    const past = { name: "wc", driver: "ann@laptop", since: 6, endedAt: 80, outcome: "failed" } as const;
    const jobs = clusterJobs(
      [agent("a1", [ended])],
      [
        { ...past, job: "j1-2", workers: 4, cause: "", details: ["no line of it"] },
        { ...past, job: "j1", workers: 3, cause: "no words", details: ["    at wc.ts:3"] },
        { ...past, job: "j2", workers: 9, cause: "no words", details: ["    at other.ts:1"] },
      ],
    );
    expect(jobs.map(({ job }) => job)).toEqual(["j2", "j1"]);
    expect(jobs[1]).toMatchObject({ workers: 4, cause: "no words", details: ["    at wc.ts:3"] });
  });

  test.each([
    ["lost", "its driver's agent a1 was lost"],
    ["left", "its driver's agent a1 has ended"],
  ] as const)("says of one whose agent is %s that it has failed, and why", (state, cause) => {
    expect(jobOf(agent("a1", [driver()], state))).toMatchObject({ state: "failed", cause });
    expect(jobOf(agent("a1", [driver({ state: "succeeded", endedAt: 9 })], state))).toMatchObject({
      state: "succeeded",
    });
  });

  test("says that a guarded one is started again, and where it then runs", () => {
    const guard = driver({ state: "guarded" });
    expect(jobOf(agent("a1", [driver()], "lost"), agent("a2", [guard]))).toMatchObject({
      state: "restarting",
    });
    expect(jobOf(agent("a1", [driver()]), agent("a2", [guard]))).toMatchObject({ state: "running" });
    expect(jobOf(agent("a1", [driver()], "lost"), agent("a2", [guard], "lost"))).toMatchObject({
      state: "failed",
    });
    const again = jobOf(agent("a1", [driver()], "lost"), agent("a2", [driver({ run: 2 })]));
    expect(again).toMatchObject({ state: "running", detached: { agent: "a2", run: 2 } });
    // Its first agent was only cut off.
    const back = jobOf(
      agent("a1", [driver({ state: "failed", cause: "cut off" })]),
      agent("a2", [driver({ run: 2 })]),
    );
    expect(back).toMatchObject({ state: "running", detached: { agent: "a2" } });
  });

  test("does not list what is only guarded", () => {
    expect(clusterJobs([agent("a2", [driver({ state: "guarded" })])])).toEqual([]);
  });
});
