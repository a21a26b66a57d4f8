/** Changes of a job's workers that are asked for sooner than workers join, without agents. */
import { expect, test } from "bun:test";
import type { WorkerInfo } from "../../../../core/job/worker_info.ts";
import { JobMembers } from "../../../../net/driver/members/job_members.ts";
import { JobScaler, type JobScalerOptions } from "../../../../net/driver/members/job_scaler.ts";

const infosOn = (agent: string, ...numbers: number[]): WorkerInfo[] =>
  numbers.map((worker) => ({ worker, agent, host: "here" }));
const infos = (...numbers: number[]): WorkerInfo[] => infosOn("a", ...numbers);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Workers that join when the test says so, and are gone as soon as they are to leave. New ones are on agent b. */
function jobOf(
  first: readonly WorkerInfo[],
  replacesLost = false,
  starting?: () => Promise<void>,
  closesWhenAsked = false,
) {
  const logged: string[] = [];
  const told: string[] = [];
  const members = new JobMembers(() => undefined);
  members.listen("allWorkersJoined", (workers, epoch) =>
    told.push(`${epoch}: ${workers.map(({ worker }) => worker)}`),
  );
  members.add(first);
  const closed = new AbortController();
  const executor: JobScalerOptions["executor"] = {
    members,
    load: { workers: 1, running: 0, waiting: 0 },
    addWorkers: (workers) => members.add(workers),
    removeWorkers: async (workers) => {
      members.leaving(workers);
      for (const worker of workers) members.removed(worker);
      return true;
    },
    onWorkersLost: () => false,
    awaitNoAgents: () => undefined,
  };
  const scaler = new JobScaler({
    executor,
    fleet: {
      enlist: async (count) => {
        if (closesWhenAsked) closed.abort();
        if (closed.signal.aborted) return { kind: "refused", why: "its signal was aborted" };
        const from = members.reserve(count);
        await starting?.();
        return {
          kind: "enlisted",
          workers: infosOn("b", ...Array.from({ length: count }, (_, i) => from + i)),
          clients: [],
        };
      },
    },
    isScalable: true,
    replacesLost,
    log: (line) => logged.push(line),
    signal: closed.signal,
  });
  return { executor, members, scaler, told, logged, closed };
}

test("S2: the next epoch begins when the present one was told as complete", async () => {
  const { members, scaler, told } = jobOf(infos(0, 1));
  const isUp = scaler.scaleUp(1);
  const isDown = scaler.scaleDown(2);
  await turn();
  expect([members.epoch, members.size]).toEqual([1, 2]);
  members.started(1);
  members.started(0);
  await turn();
  expect([members.epoch, members.size]).toEqual([2, 3]);
  members.started(2);
  expect(await Promise.all([isUp, isDown])).toEqual([true, true]);
  expect(told).toEqual(["1: 0,1", "2: 0,1,2", "3: 0"]);
});

test("S2: an epoch of which workers are lost is not awaited, and a closed job ends the wait", async () => {
  const { members, scaler, told, closed } = jobOf(infos(0, 1));
  const isUp = scaler.scaleUp(1);
  members.exited(1, "it could not be started", true);
  members.started(0);
  await turn();
  expect(members.epoch).toBe(3);
  const ends = Promise.allSettled([isUp, scaler.scaleDown(1)]);
  closed.abort();
  const closedFirst = { status: "rejected", reason: new TypeError("Cannot scale the job: it is closed") };
  expect<unknown>(await ends).toEqual([closedFirst, closedFirst]);
  expect(told).toEqual(["2: 0"]);
});

test("a job that is closed while more workers are asked for tells of no lack of room", async () => {
  const { members, scaler, logged } = jobOf(infos(0), false, undefined, true);
  members.started(0);
  expect(await scaler.scaleUp(1).catch(String)).toBe("TypeError: Cannot scale the job: it is closed");
  expect(logged).toEqual([]);
});

test("S7: of a call that is refused because an agent was lost no worker comes later", async () => {
  const { executor, members, scaler } = jobOf(infos(0, 1), true);
  const lose = (agent: string): boolean => {
    const lost = members.on(agent);
    members.agentLost(agent);
    return executor.onWorkersLost(lost);
  };
  for (const worker of [0, 1]) members.started(worker);
  const isUp = scaler.scaleUp(2);
  await turn();
  expect(members.size).toBe(4);
  expect(lose("b")).toBe(false);
  expect(await isUp).toBe(false);
  expect(members.size).toBe(2);
  // Those that had come are replaced.
  expect(lose("a")).toBe(true);
  await turn();
  expect(members.workers).toEqual(infosOn("b", 4, 5));
  for (const worker of [4, 5]) members.started(worker);
  expect(lose("b")).toBe(true);
});

test("S7: lost workers are replaced after the start of others at hand, not beside it", async () => {
  const story: string[] = [];
  const { executor, members, scaler } = jobOf([...infosOn("a", 0), ...infosOn("c", 1)], true, async () => {
    story.push("begin");
    await turn();
    story.push("end");
  });
  for (const worker of [0, 1]) members.started(worker);
  const isUp = scaler.scaleUp(1);
  await Promise.resolve();
  members.agentLost("a");
  expect(executor.onWorkersLost([0])).toBe(true);
  while (story.length < 4) await turn();
  expect(story).toEqual(["begin", "end", "begin", "end"]);
  for (const { worker } of members.workers) members.started(worker);
  expect(await isUp).toBe(true);
});
