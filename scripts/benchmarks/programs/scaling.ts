/**
 * One worker more, again and again: from the call that asks for it to the end of its first task, and without that task.
 * The argument is how often; prints milliseconds as one line of JSON.
 */
import { flow, run, type WorkerInfo } from "luciole";

const empty = flow("empty", (f) => f.range(1, { shards: 1 }));

await run(async (job) => {
  const [count] = job.args.map(Number);
  let newest = -1;
  job.on("allWorkersJoined", (workers: readonly WorkerInfo[]) => {
    newest = Math.max(...workers.map(({ worker }) => worker));
  });
  await job.execute(empty);
  const joined: number[] = [];
  const worked: number[] = [];
  const left: number[] = [];
  for (let i = 0; i <= count; i++) {
    const start = performance.now();
    if (!(await job.scaler.scaleUp(1))) throw new Error("there is no room for another worker");
    const isThere = performance.now();
    await job.execute(empty, undefined, { workers: [newest] });
    const hasWorked = performance.now();
    if (!(await job.scaler.scaleDown(1))) throw new Error("a worker cannot be taken away");
    // The first one brings the program to where it is not yet.
    if (i === 0) continue;
    joined.push(isThere - start);
    worked.push(hasWorked - start);
    left.push(performance.now() - hasWorked);
  }
  console.log(JSON.stringify({ joined, worked, left }));
});
