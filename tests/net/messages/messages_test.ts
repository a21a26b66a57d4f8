/** Messages between driver and workers, on clusters in one process. */
import { describe, expect, test } from "bun:test";
import { Cluster } from "../../oracle/cluster.ts";
import { counted, listenAll } from "./talk.ts";

const LIMIT_MS = 60_000;

describe.each([
  [1, 3],
  [2, 2],
  [5, 1],
])("on %d agents with %d slots", (agents, slots) => {
  const workers = agents * slots;

  test(
    "M1: a message reaches exactly the workers that it is sent to, in order, and an unknown id nobody",
    async () => {
      await using cluster = await Cluster.open({ agents, slots });
      const { job } = cluster;
      const ready = counted(workers);
      job.on("workerMessage", ready.tick);
      const talked = cluster.collect((f) => listenAll(f, workers));
      await ready.done;
      const last = workers - 1;
      await job.messenger.sendToWorker("one", last);
      await job.messenger.sendToWorkers("two", [0, last, 0]);
      for (const unknown of [workers, -1, 0.5]) {
        const sent = job.messenger.sendToWorkers("never", [0, unknown]);
        await expect(sent).rejects.toThrow(`Cannot send to worker ${unknown}: the job has workers 0, 1`);
      }
      await job.messenger.broadcast("all");
      await job.messenger.broadcast("end");
      const heard = Object.fromEntries(await talked);
      const expected = Array.from({ length: workers }, (_, worker) => {
        if (worker === last) return [worker, ["one", "two", "all"]];
        return [worker, worker === 0 ? ["two", "all"] : ["all"]];
      });
      expect(heard).toEqual(Object.fromEntries(expected));
    },
    LIMIT_MS,
  );
});
