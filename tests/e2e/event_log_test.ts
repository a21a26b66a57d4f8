/** --event-log: what happened to a job, for whoever looks afterwards. */
import { afterAll, expect, test } from "bun:test";
import { readFileSync, rmSync } from "node:fs";
import { Folder, LUCIOLE } from "./executable.ts";

const PROGRAM = `import { flow, run } from "luciole";
const some = flow("some", (f, p: { how: string }) => f.range(4, { shards: 2 }).map((n) => {
  if (p.how === "kill") { process.kill(process.pid, "SIGKILL"); for (;;); }
  if (p.how === "throw" && n === 3) throw new RangeError("three");
  return n;
}));
await run(async (job) => {
  const rows = await (await job.execute(some, { how: "well" })).collect();
  console.log(rows.length);
  if (job.args.length > 0) await job.execute(some, { how: job.args[0] });
});
`;

const folder = new Folder({ "job.ts": PROGRAM });
afterAll(() => folder[Symbol.dispose]());

/** Runs the program; the lines of its log without what differs from run to run. */
async function logOf(...args: readonly string[]) {
  const { code, stderr } = await folder.run([LUCIOLE, "run", "--event-log", "log", "job.ts", ...args]);
  const records = readFileSync(`${folder.path}/log`, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  rmSync(`${folder.path}/log`);
  for (const { time } of records) expect(Date.parse(time)).toBeGreaterThan(0);
  return { code, stderr, records, kinds: records.map(({ kind }) => kind) };
}

test("a job that goes well has its milestones", async () => {
  const { code, records, kinds } = await logOf();
  expect({ code, kinds }).toEqual({
    code: 0,
    kinds: ["jobStarted", "executionStarted", "executionEnded", "jobEnded"],
  });
  expect(records[1]).toMatchObject({ flow: "some", groups: [{ group: 0, label: "range → map", tasks: 2 }] });
  expect(records[2]).toMatchObject({
    outcome: "done",
    stages: [{ label: "range → map", tasks: 2, attempts: 2 }],
  });
  expect(records[3]).toMatchObject({ outcome: "succeeded", cause: "" });
  expect(records[3].job).toBe(records[0].job);
});

test("what user code threw is there with each attempt, and as the cause of the end", async () => {
  const { code, stderr, records, kinds } = await logOf("throw");
  expect(code).toBe(1);
  expect(kinds.slice(-4).filter((kind) => kind !== "attemptFailed")).toEqual(["executionEnded", "jobEnded"]);
  const [first] = records.filter(({ kind }) => kind === "attemptFailed");
  expect(first.cause).toMatch(/^Cannot run map at \S*job.ts:2: shard 1, row 1: RangeError: three$/);
  const end = records.at(-1);
  expect(end).toMatchObject({ outcome: "failed", cause: first.cause });
  expect(stderr.split("\n")[0]).toBe(`error: ${end.cause}`);
});

test("workers that die are told, with the line that they ran", async () => {
  const { records } = await logOf("kill");
  const lost = records.filter(({ kind }) => kind === "attemptLost");
  expect(lost[0].cause).toMatch(/^worker \d was ended by signal SIGKILL$/);
  expect(records.some(({ kind, cause }) => kind === "workerExited" && cause.includes("SIGKILL"))).toBe(true);
  expect(
    records.some(({ kind, text }) => kind === "warning" && text.includes("was lost and is run again")),
  ).toBe(true);
  expect(records.at(-1).cause).toMatch(
    /lost 5 times in a row, first: worker \d was .*SIGKILL \(steps of \S*job.ts:2\)$/,
  );
}, 60_000);

test("a log that cannot be written is refused before anything runs", async () => {
  const of = (log: string) => folder.run([LUCIOLE, "run", "--event-log", log, "job.ts"]);
  const why = "there is no such file or directory";
  expect(await of("none/log")).toMatchObject({
    ...{ code: 1, stdout: "", stderr: `error: Cannot write the event log "none/log": ${why}\n` },
  });
  expect((await of(".")).stderr).toBe('error: Cannot write the event log ".": it is a directory\n');
});
