/** M2 with many messages: both ways between a driver and its workers, over bad connections. */
import { expect, test } from "bun:test";
import { currentRuntime } from "../../../net/runtime/current_runtime.ts";
import { Cluster } from "../../oracle/cluster.ts";
import { BadSockets } from "./bad_sockets.ts";
import { counted } from "./talk.ts";

const LIMIT_MS = 180_000;
const SEED = Number(process.env.LUCIOLE_SEED ?? 1);
const WORKERS = 4;
/** To each worker, and back: 100,000 in all. */
const EACH = 12_500;
/** To each worker at a time; so many of them are on their way and back at once, so that there are many requests. */
const BURST = 50;
const BURSTS = 3;

test(
  "M2: 100,000 messages over sockets that lose, repeat, delay and reorder a tenth of requests come once, and in order",
  async () => {
    const sockets = new BadSockets(await currentRuntime(), SEED, 0.1);
    {
      const lease = { leaseMs: 60_000, lostMs: 50_000 };
      await using cluster = await Cluster.open({ agents: 2, slots: 2, lease, way: sockets.way });
      const { job } = cluster;
      const ready = counted(WORKERS);
      const back = Array.from({ length: WORKERS }, () => ({ next: 0, wrong: [] as unknown[] }));
      /** Resolves when so many have come back. */
      let came = 0;
      let waiting = { count: 0, resolve: (): void => undefined };
      const echoed = (count: number): Promise<void> =>
        new Promise((resolve) => {
          if (came >= count) resolve();
          else waiting = { count, resolve };
        });
      job.on<number | "ready">("workerMessage", (message, worker) => {
        if (message === "ready") return ready.tick();
        const own = back[worker];
        if (message === own.next) own.next++;
        else own.wrong.push(message);
        if (++came === waiting.count) waiting.resolve();
      });
      const talked = cluster.collect((f) =>
        f.generate(WORKERS, async function* (_, ctx) {
          let next = 0;
          let wrong = 0;
          const ended = new Promise<void>((resolve) => {
            ctx.on<number>("driverMessage", (n) => {
              if (n === -1) return resolve();
              if (n === next * WORKERS + ctx.worker) next++;
              else wrong++;
              ctx.sendToDriver((n - ctx.worker) / WORKERS);
            });
          });
          ctx.sendToDriver("ready");
          await ended;
          yield [ctx.worker, next, wrong] as [number, number, number];
        }),
      );
      await ready.done;
      for (let n = 0; n < EACH; n += BURST) {
        const sent: Promise<void>[] = [];
        for (let i = n; i < n + BURST; i++) {
          for (let worker = 0; worker < WORKERS; worker++)
            sent.push(job.messenger.sendToWorker(i * WORKERS + worker, worker));
        }
        await Promise.all(sent);
        await echoed((n + BURST - BURSTS * BURST) * WORKERS);
      }
      await echoed(EACH * WORKERS);
      await job.messenger.broadcast(-1);
      const heard = (await talked).toSorted(([a], [b]) => a - b);
      expect(heard).toEqual(Array.from({ length: WORKERS }, (_, worker) => [worker, EACH, 0]));
      expect(back).toEqual(back.map(() => ({ next: EACH, wrong: [] })));
    }
    await sockets.close();
    for (const [what, times] of Object.entries(sockets.did)) expect([what, times > 5]).toEqual([what, true]);
  },
  LIMIT_MS,
);
