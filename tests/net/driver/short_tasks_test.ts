/** Programs of many short tasks, whose workers hold several at a time, when one of them is not like the others. */
import { expect, test } from "bun:test";
import { runProgram } from "./program.ts";

const LIMIT_MS = 60_000;
// On a slow machine progress would be told.
const env = { LUCIOLE_WORKERS: "2", LUCIOLE_QUIET: "true" };

const HEAD = `
  import { existsSync, writeFileSync } from "node:fs";
  import { flow, run } from "luciole";
  const TASKS = 400;
  const numbers = Array.from({ length: TASKS }, (_, n) => n);
  const check = (rows: number[]) => {
    const isRight = rows.length === TASKS && rows.every((row, n) => row === n * 2);
    console.log(isRight ? "right" : "wrong " + rows.join(" "));
  };
`;

test(
  "a worker that is killed once loses nothing of what it held, and of what it had done",
  async () => {
    const text = `${HEAD}
      const once = flow("once", (f) => f.range(TASKS, { shards: TASKS }).map((n) => {
        if (n === 257 && !existsSync("killed")) {
          writeFileSync("killed", "");
          process.kill(process.pid, "SIGKILL");
        }
        return n * 2;
      }));
      await run(async (job) => check(await (await job.execute(once)).collect()));
    `;
    const { code, stdout, left } = await runProgram(text, { env });
    expect({ code, stdout, left }).toEqual({ code: 0, stdout: "right\n", left: ["killed"] });
  },
  LIMIT_MS,
);

test(
  "a task that kills its worker each time is the one that is blamed",
  async () => {
    const text = `${HEAD}
      const always = flow("always", (f) => f.range(TASKS, { shards: TASKS }).map((n) => {
        if (n === 257) process.kill(process.pid, "SIGKILL");
        return n * 2;
      }));
      await run(async (job) => {
        const error = await job.execute(always).then(() => undefined, (cause) => cause);
        console.log(error.code, error.message);
      });
    `;
    const { code, stdout, stderr, left } = await runProgram(text, { env });
    expect({ code, left }).toEqual({ code: 0, left: [] });
    expect(stdout).toMatch(/^task-lost Cannot run task 257 of .*: it was lost 5 times in a row/);
    expect(stderr.match(/Task \d+ of/g)).toEqual(["Task 257 of"]);
  },
  LIMIT_MS,
);

test(
  "a task that waits for others lets them be begun elsewhere",
  async () => {
    const text = `${HEAD}
      const waiting = flow("waiting", (f) => f.generate(TASKS, async function* (n) {
        if (n === 200) {
          while (!existsSync("done")) await new Promise((resolve) => setImmediate(resolve));
        }
        if (n === 207) writeFileSync("done", "");
        yield n * 2;
      }));
      await run(async (job) => check(await (await job.execute(waiting)).collect()));
    `;
    const { code, stdout, left } = await runProgram(text, { env });
    expect({ code, stdout, left }).toEqual({ code: 0, stdout: "right\n", left: ["done"] });
  },
  LIMIT_MS,
);

test(
  "a failing task ends the execution with its own error, and the job goes on",
  async () => {
    const text = `${HEAD}
      const failing = flow("failing", (f) => f.range(TASKS, { shards: TASKS }).map((n) => {
        if (n === 257) throw new RangeError("no 257");
        return n * 2;
      }));
      const fine = flow("fine", (f) => f.range(TASKS, { shards: TASKS }).map((n) => n * 2));
      await run(async (job) => {
        const error = await job.execute(failing).then(() => undefined, (cause) => cause);
        console.log(error.cause.message);
        check(await (await job.execute(fine)).collect());
      });
    `;
    const { code, stdout, left } = await runProgram(text, { env });
    expect({ code, stdout, left }).toEqual({ code: 0, stdout: "no 257\nright\n", left: [] });
  },
  LIMIT_MS,
);

test(
  "the shards of many short tasks are read by those that group, sort and join them",
  async () => {
    const text = `${HEAD}
      const whole = flow("whole", (f) => {
        const rows = f.range(TASKS * 5, { shards: TASKS }).map((n): [number, number] => [n % 23, n]);
        return {
          sums: rows.reduceByKey((a, b) => a + b).sortByKey(),
          joined: rows.join(f.values(numbers.slice(0, 5).map((n): [number, string] => [n, "k" + n]))).count(),
          sorted: rows.map(([, n]) => -n).sort(),
        };
      });
      await run(async (job) => {
        const { sums, joined, sorted } = await job.execute(whole);
        const all = Array.from({ length: TASKS * 5 }, (_, n) => n);
        const expected = Array.from({ length: 23 }, (_, key) => [key, all.filter((n) => n % 23 === key).reduce((a, b) => a + b)]);
        console.log(JSON.stringify(await sums.collect()) === JSON.stringify(expected));
        console.log((await joined.collect())[0] === all.filter((n) => n % 23 < 5).length);
        console.log((await sorted.collect()).join() === all.map((n) => -n).reverse().join());
      });
    `;
    const { code, stdout, stderr, left } = await runProgram(text, { env });
    expect({ code, stdout, stderr, left }).toEqual({
      code: 0,
      stdout: "true\ntrue\ntrue\n",
      stderr: "",
      left: [],
    });
  },
  LIMIT_MS,
);
