/** Messages between driver and workers, on clusters in one process. */
import { describe, expect, test } from "bun:test";
import { Cluster } from "../../oracle/cluster.ts";
import { badWay } from "./bad_way.ts";
import { counted, listenAll } from "./talk.ts";

const LIMIT_MS = 60_000;
const SEED = Number(process.env.LUCIOLE_SEED ?? 1);

/** 0 to n - 1. */
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

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
      const expected = upTo(workers).map((worker) => {
        if (worker === last) return [worker, ["one", "two", "all"]];
        return [worker, worker === 0 ? ["two", "all"] : ["all"]];
      });
      expect(heard).toEqual(Object.fromEntries(expected));
    },
    LIMIT_MS,
  );

  test(
    "M4: what comes before anybody listens is kept in order, on either side",
    async () => {
      await using cluster = await Cluster.open({ agents, slots });
      const { job } = cluster;
      for (const n of upTo(500)) void job.messenger.broadcast(n);
      await job.messenger.broadcast("end");
      const heard = await cluster.collect((f) => listenAll(f, workers));
      expect(heard.map(([worker]) => worker).toSorted()).toEqual(upTo(workers));
      for (const [, messages] of heard) expect(messages).toEqual(upTo(500));
      // Each worker has said that it is ready, and nobody listened.
      await cluster.collect((f) => f.range(500, { shards: 1 }).tap((n, ctx) => ctx.sendToDriver(n)));
      const came = counted(workers + 500);
      const numbers: unknown[] = [];
      job.on<unknown>("workerMessage", (message) => {
        if (message !== "ready") numbers.push(message);
        came.tick();
      });
      await came.done;
      expect(numbers).toEqual(upTo(500));
    },
    LIMIT_MS,
  );

  test(
    "M2, M6: over ways that lose, repeat and break, each message comes once, and in order",
    async () => {
      const lease = { leaseMs: 30_000, lostMs: 20_000 };
      const way = badWay(SEED, 0.1);
      await using cluster = await Cluster.open({ agents, slots, lease, way });
      const { job } = cluster;
      const said = new Map<number, number[]>();
      const ready = counted(workers);
      let answers = ready;
      job.on<number | "ready">("workerMessage", (message, worker) => {
        if (message !== "ready") said.set(worker, [...(said.get(worker) ?? []), message]);
        answers.tick();
      });
      const talked = cluster.collect((f) =>
        f.generate(workers, async function* (_, ctx) {
          const heard: number[] = [];
          const ended = new Promise<void>((resolve) => {
            ctx.on<number>("driverMessage", (n) => {
              if (n < 0) resolve();
              else heard.push(n);
              ctx.sendToDriver(n);
            });
          });
          ctx.sendToDriver("ready");
          await ended;
          yield [ctx.worker, heard] as [number, number[]];
        }),
      );
      await ready.done;
      for (const n of upTo(300)) {
        answers = counted(workers);
        await job.messenger.broadcast(n);
        // One by one, so that there are many requests; and then as fast as they are taken.
        if (n < 30) await answers.done;
      }
      await job.messenger.broadcast(-1);
      const heard = await talked;
      expect(heard.length).toBe(workers);
      for (const [worker, messages] of heard) {
        expect(messages).toEqual(upTo(300));
        expect(said.get(worker)).toEqual([...upTo(300), -1]);
      }
    },
    LIMIT_MS,
  );
});

describe("on one agent", () => {
  test(
    "a task that sends faster than the driver listens is held, and all is heard before it ends",
    async () => {
      await using cluster = await Cluster.open({ agents: 1, slots: 2 });
      const next = new Map<number, number>();
      cluster.job.on<[shard: number, n: number]>("workerMessage", ([shard, n]) => {
        expect(n).toBe(next.get(shard) ?? shard * 50_000);
        next.set(shard, n + 1);
      });
      await cluster.collect((f) =>
        f
          .range(100_000, { shards: 2 })
          .tap((n, ctx) => ctx.sendToDriver([ctx.shard, n]))
          .count(),
      );
      expect([...next.entries()].toSorted()).toEqual([
        [0, 50_000],
        [1, 100_000],
      ]);
    },
    LIMIT_MS,
  );

  test(
    "a driver that sends faster than a worker listens is held, and broadcasts keep their place",
    async () => {
      await using cluster = await Cluster.open({ agents: 1, slots: 2 });
      const { job } = cluster;
      const ready = counted(2);
      job.on("workerMessage", ready.tick);
      const talked = cluster.collect((f) => listenAll(f, 2));
      await ready.done;
      const sendings: Promise<void>[] = [];
      for (const n of upTo(30_000)) {
        if (n % 3 === 0) sendings.push(job.messenger.broadcast(n));
        else sendings.push(job.messenger.sendToWorker(n, n % 3 === 1 ? 0 : 1));
      }
      sendings.push(job.messenger.broadcast("end"));
      await Promise.all(sendings);
      const heard = Object.fromEntries(await talked);
      expect(heard[0]).toEqual(upTo(30_000).filter((n) => n % 3 !== 2));
      expect(heard[1]).toEqual(upTo(30_000).filter((n) => n % 3 !== 1));
    },
    LIMIT_MS,
  );

  test(
    "M5: a listener of a task that throws or rejects is told in the log, and keeps nobody from anything",
    async () => {
      await using cluster = await Cluster.open({ agents: 1, slots: 1 });
      const { job } = cluster;
      job.on("workerMessage", () => job.messenger.broadcast("go").then(() => job.messenger.broadcast("end")));
      const heard = await cluster.collect((f) =>
        f.generate(1, async function* (_, ctx) {
          ctx.on("driverMessage", () => {
            throw new RangeError("thrown");
          });
          ctx.on("driverMessage", () => Promise.reject(new RangeError("rejected")));
          const all: unknown[] = [];
          const ended = new Promise<void>((resolve) => {
            ctx.on("driverMessage", (message) => {
              all.push(message);
              if (message === "end") resolve();
            });
          });
          ctx.sendToDriver("ready");
          await ended;
          yield all;
        }),
      );
      expect(heard).toEqual([["go", "end"]]);
      const told = [...new Set(cluster.logged)].toSorted();
      expect(told).toEqual([
        "driverMessage listener: RangeError: rejected",
        "driverMessage listener: RangeError: thrown",
      ]);
    },
    LIMIT_MS,
  );

  test(
    "messages are of any plain values, as they were when they were sent",
    async () => {
      await using cluster = await Cluster.open({ agents: 1, slots: 1 });
      const { job } = cluster;
      const values = [
        null,
        -0,
        2n ** 70n,
        new Date(5),
        new Map([[1, { a: [Number.NaN] }]]),
        new Uint8Array([1, 2]),
      ];
      const came = counted(values.length);
      const back: unknown[] = [];
      job.on("workerMessage", (message) => {
        back.push(message);
        came.tick();
      });
      const message = { n: 1 };
      for (const value of values) await job.messenger.broadcast(value);
      await expect(job.messenger.broadcast(() => 1)).rejects.toThrow(
        "Cannot encode a value: value is a function",
      );
      const sent = job.messenger.sendToWorker(message, 0);
      message.n = 2;
      await sent;
      const heard = await cluster.collect((f) =>
        f.generate(1, async function* (_, ctx) {
          const n = await new Promise((resolve) => {
            ctx.on<{ n?: number } | null>("driverMessage", (each) => {
              if (each !== null && typeof each === "object" && "n" in each) resolve(each.n);
              else ctx.sendToDriver(each);
            });
          });
          yield n;
        }),
      );
      await came.done;
      expect(heard).toEqual([1]);
      expect(back).toEqual(values);
    },
    LIMIT_MS,
  );
});
