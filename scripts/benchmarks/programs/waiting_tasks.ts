/** Two tasks that wait to be ended: prints the process of one of their workers once both have begun. */
import { flow, run } from "luciole";

const waiting = flow("waiting", (f) =>
  f
    .generate(2, async function* (shard, ctx) {
      ctx.sendToDriver(process.pid);
      yield await new Promise<number>((resolve) =>
        ctx.signal.addEventListener("abort", () => resolve(shard)),
      );
    })
    .count(),
);

await run(async (job) => {
  const pids: unknown[] = [];
  job.on("workerMessage", (pid) => {
    if (pids.push(pid) === 2) console.log(pids[0]);
  });
  await job.execute(waiting);
});
