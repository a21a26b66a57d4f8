/**
 * The memory of jobs that ended, and what is told of an end.
 */
import { expect, test } from "bun:test";
import {
  abandonedEnd,
  cancelledEnd,
  type EndedJob,
  failedEnd,
  type JobEnd,
  MAX_CAUSE,
  SUCCEEDED,
} from "../../../core/cluster/job_end.ts";
import { JobHistory } from "../../../core/cluster/job_history.ts";
import { CancelledError, TaskError } from "../../../core/errors.ts";

const BOUNDS = { jobs: 3, keepMs: 1000 };

function ended(job: string, end: JobEnd = SUCCEEDED, more: Partial<EndedJob> = {}): EndedJob {
  return { job, name: "words", driver: "ann@there", workers: 2, since: 10, endedAt: 20, ...end, ...more };
}

test("what the driver said counts, whichever agent is heard first", () => {
  const failed = ended("j1", failedEnd(new TaskError("Cannot run map at job.ts:3: bad line")));
  const guess = ended("j1", abandonedEnd("nothing was heard of ann@there for 30 s"), { endedAt: 50 });
  const cancelled = ended("j1", cancelledEnd("bob@here"), { since: 5 });
  for (const order of [
    [failed, guess, cancelled],
    [guess, cancelled, failed],
    [cancelled, guess, failed],
  ]) {
    const history = new JobHistory(BOUNDS);
    // Each is told several times.
    for (const one of [...order, ...order]) history.add(one, one.cause, 0);
    expect(history.list(0)).toEqual([{ ...failed, workers: 6, since: 5, endedAt: 50 }]);
  }
  const told = new JobHistory(BOUNDS);
  told.add({ ...failed, allWorkers: 9 }, "a", 0);
  expect(told.list(0)).toMatchObject([{ workers: 9 }]);
});

test("it is bounded in number and time, and forgets the oldest first", () => {
  const history = new JobHistory(BOUNDS);
  for (const [at, job] of ["a", "b", "c", "d"].entries()) history.add(ended(job), "a", at);
  // Told again, as each heartbeat may: it does not last longer for that.
  history.add(ended("b"), "a", 900);
  expect(history.list(900).map(({ job }) => job)).toEqual(["b", "c", "d"]);
  expect(history.list(1001).map(({ job }) => job)).toEqual(["c", "d"]);
  expect(history.list(5000)).toEqual([]);
});

test("an end has its first cause in one line, and a bounded text", () => {
  const cause = new RangeError(`too far\n${"x".repeat(2000)}`);
  const end = failedEnd(
    new TaskError("Cannot run map at job.ts:3: shard 1, row 2: RangeError: too far", { cause }),
  );
  expect(end).toMatchObject({
    outcome: "failed",
    cause: "Cannot run map at job.ts:3: shard 1, row 2: RangeError: too far",
  });
  expect(end.details.find((line) => line.includes("caused by"))).toStartWith(
    "  caused by: RangeError: too far | xxx",
  );
  expect(Math.max(...end.details.map(({ length }) => length))).toBe(MAX_CAUSE);
  expect(failedEnd(new CancelledError("Interrupted: the job is cancelled")).outcome).toBe("cancelled");
});
