/** Changes of a job's workers that are asked for sooner than workers join, without agents. */
import { expect, test } from "bun:test";
import type { WorkerInfo } from "../../../core/job/worker_info.ts";
import { JobMembers } from "../../../net/driver/job_members.ts";
import { JobScaler } from "../../../net/driver/job_scaler.ts";

const infos = (...numbers: number[]): WorkerInfo[] =>
  numbers.map((worker) => ({ worker, agent: "a", host: "here" }));
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Workers that join when the test says so, and are gone as soon as they are to leave. */
function jobOf(first: readonly WorkerInfo[]) {
  const told: string[] = [];
  const members = new JobMembers(() => undefined);
  members.listen("allWorkersJoined", (workers, epoch) =>
    told.push(`${epoch}: ${workers.map(({ worker }) => worker)}`),
  );
  members.add(first);
  const closed = new AbortController();
  const scaler = new JobScaler({
    executor: {
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
    },
    fleet: {
      enlist: async (count) => {
        const from = members.reserve(count);
        return {
          kind: "enlisted",
          workers: infos(...Array.from({ length: count }, (_, i) => from + i)),
          clients: [],
        };
      },
    },
    isScalable: true,
    replacesLost: false,
    log: () => undefined,
    signal: closed.signal,
  });
  return { members, scaler, told, closed };
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
