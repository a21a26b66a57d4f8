/**
 * Messages between the driver and one worker of a warm job: round trips, and small messages in either direction.
 * Arguments are how many trips and how many messages; prints milliseconds and messages per second as one line of JSON.
 */
import { flow, type Job, run } from "luciole";

const WARM_TRIPS = 200;

/** Sends every number back until it hears a negative one. */
const echo = flow("echo", (f) =>
  f.generate(1, async function* (_, ctx) {
    const ended = new Promise((resolve) => {
      ctx.on<number>("driverMessage", (n) => {
        if (n < 0) resolve(n);
        else void ctx.sendToDriver(n);
      });
    });
    ctx.sendToDriver(-1);
    await ended;
    yield ctx.worker;
  }),
);

/** Hears so many numbers, and tells whether they came in order. */
const hearAll = flow("hear-all", (f, p: { count: number }) =>
  f.generate(1, async function* (_, ctx) {
    let next = 0;
    let isOrdered = true;
    const ended = new Promise<void>((resolve) => {
      ctx.on<number>("driverMessage", (n) => {
        isOrdered &&= n === next;
        next++;
        if (next === p.count) resolve();
      });
    });
    ctx.sendToDriver(ctx.worker);
    await ended;
    yield isOrdered;
  }),
);

const sayAll = flow("say-all", (f, p: { count: number }) =>
  f.generate(1, async function* (_, ctx) {
    for (let i = 0; i < p.count; i++) await ctx.sendToDriver(i);
    yield ctx.worker;
  }),
);

/** Who hears the workers; one part of the program after the other. */
let hear: (message: number, worker: number) => void = () => undefined;

async function roundTrips(job: Job, count: number): Promise<number[]> {
  const times: number[] = [];
  const ended = Promise.withResolvers<void>();
  let sentAt = 0;
  let left = count + WARM_TRIPS;
  hear = (n, worker) => {
    if (n >= 0 && left < count) times.push(performance.now() - sentAt);
    left--;
    if (left < 0) ended.resolve();
    sentAt = performance.now();
    job.messenger.sendToWorker(left < 0 ? -1 : left, worker).catch(ended.reject);
  };
  await Promise.all([job.execute(echo), ended.promise]);
  return times;
}

/** Milliseconds until the worker has heard all. */
async function down(job: Job, count: number): Promise<number> {
  const ready = Promise.withResolvers<number>();
  hear = ready.resolve;
  const execution = job.execute(hearAll, { count });
  const worker = await ready.promise;
  const start = performance.now();
  for (let i = 0; i < count; i++) await job.messenger.sendToWorker(i, worker);
  const [isOrdered] = await (await execution).collect();
  if (isOrdered !== true) throw new Error("messages came in another order");
  return performance.now() - start;
}

async function up(job: Job, count: number): Promise<number> {
  let next = 0;
  let start = 0;
  hear = (n) => {
    if (n !== next) throw new Error(`message ${n} came in the place of ${next}`);
    if (next === 0) start = performance.now();
    next++;
  };
  await job.execute(sayAll, { count });
  if (next !== count) throw new Error(`${next} of ${count} messages came`);
  return performance.now() - start;
}

await run(async (job) => {
  const [trips, count] = job.args.map(Number);
  job.on<number>("workerMessage", (n, worker) => hear(n, worker));
  const times = await roundTrips(job, trips);
  const downMs = await down(job, count);
  const upMs = await up(job, count);
  const perSecond = (ms: number) => Math.round((count * 1000) / ms);
  console.log(JSON.stringify({ trips: times, down: perSecond(downMs), up: perSecond(upMs) }));
});
