/**
 * Drivers as real processes that are killed in the middle of a loop and started again, on one machine and on a cluster.
 */
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { Cluster, processesOf } from "./cluster.ts";
import { Folder, LUCIOLE } from "./executable.ts";

/** Sums over turns; its tasks append to a file that they ran. The turn of which it is told waits for a file. */
const PROGRAM = `
import { appendFileSync, existsSync } from "node:fs";
import { type DatasetInput, flow, run } from "luciole";

type Row = [number, number];
interface Turn { rows: DatasetInput<Row>; turn: number; trace: string; gate: string }

const begin = flow("begin", (f) => f.range(6000, { shards: 4 }).map((n): Row => [n % 50, n]));
const step = flow("step", (f, p: Turn) => {
  const moved = f.from(p.rows).repartition(4)
    .mapShards(async function* (rows, ctx) {
      appendFileSync(p.trace, "step" + p.turn + " " + ctx.shard + "\\n");
      yield* rows;
    })
    .map(([key, value]): Row => [(key + value) % 50, value + p.turn])
    .checkpoint();
  const held = moved.mapShards(async function* (rows, ctx) {
    // The first shard goes on at once, so that the driver is killed in the middle of the turn.
    while (ctx.shard > 0 && p.gate !== "" && !existsSync(p.gate)) await Bun.sleep(5);
    appendFileSync(p.trace, "after" + p.turn + " " + ctx.shard + "\\n");
    yield* rows;
  });
  const next = held.reduceByKey((a, b) => a + b).checkpoint();
  return { next, sum: next.values().sum() };
});
const write = flow("write", (f, p: { rows: DatasetInput<Row>; out: string }) =>
  f.from(p.rows).sortByKey().writeText(p.out, (row) => row.join(" "), { single: true }));

await run(async (job) => {
  const [out = "", trace = "", gate = "", stop = "-1"] = job.args;
  let rows = await job.execute(begin);
  for (let turn = 0; turn < 5; turn++) {
    const { next, sum } = await job.execute(step, { rows, turn, trace, gate: turn === Number(stop) ? gate : "" });
    rows.release();
    rows = next;
    console.log("turn", turn, (await sum.collect())[0]);
  }
  await job.execute(write, { rows, out });
});
`;

const lines = (path: string): readonly string[] =>
  existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : [];
const turnsOf = (stdout: string): readonly string[] =>
  stdout.split("\n").filter((line) => line.startsWith("turn"));

type RunIt = (
  args: readonly string[],
  onText?: { readonly text: string; readonly act: (pid: number) => void },
) => Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }>;

async function until(what: string, isThere: () => boolean): Promise<void> {
  for (const deadline = performance.now() + 60_000; !isThere(); ) {
    if (performance.now() > deadline) throw new Error(`Waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Shards of the fourth turn that the checkpoint has; the turns follow the execution that begins. */
function copied(checkpoint: string): readonly string[] {
  const directory = join(checkpoint, "copies", "4");
  return existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith(".batches")) : [];
}

async function killAndResume(folder: string, run: RunIt, settled: () => Promise<void>): Promise<void> {
  const at = (name: string): string => join(folder, name);
  const whole = await run(["job.ts", at("whole"), at("whole-trace")]);
  expect(whole.code).toBe(0);
  const args = ["job.ts", at("out"), at("trace"), at("gate"), "3"];
  const keep = ["--checkpoint", at("kept")];
  const killed = await run([...keep, ...args], {
    text: "turn 2",
    act: (pid) => {
      const isCopied = (): boolean => copied(at("kept")).length > 0;
      void until("a shard is copied", isCopied).then(() => process.kill(pid, "SIGKILL"));
    },
  });
  expect(killed.code).not.toBe(0);
  expect(existsSync(at("out"))).toBe(false);
  const kept = copied(at("kept")).length;
  await settled();
  const before = lines(at("trace")).length;
  await Bun.write(at("gate"), "");
  const resumed = await run([...keep, "--resume", ...args]);
  expect(resumed.stderr).not.toContain("error");
  expect(resumed.code).toBe(0);
  expect(turnsOf(resumed.stdout)).toEqual(turnsOf(whole.stdout));
  expect(readFileSync(at("out"), "utf8")).toBe(readFileSync(at("whole"), "utf8"));
  const again = lines(at("trace")).slice(before);
  // Turns that were done are not run again; of turn 3 what had been copied is not.
  expect(again.filter((line) => /^(step|after)[012] /.test(line))).toEqual([]);
  expect(again.filter((line) => line.startsWith("step3")).length).toBe(4 - kept);
  expect(again.filter((line) => line.startsWith("step4")).length).toBe(4);
  // As after a kill at the very end: nothing is left to do, and nothing is done.
  expect(readdirSync(at("kept"))).toEqual(["log.cborseq"]);
  const traced = lines(at("trace")).length;
  const over = await run([...keep, "--resume", ...args]);
  expect(over).toMatchObject({ code: 0, stdout: "" });
  expect(over.stderr).toMatch(/^The job of the checkpoint in \S+ has succeeded at \S+: nothing runs again/);
  expect(lines(at("trace")).length).toBe(traced);
  // Another job, and one that is to run anew, begin at their beginning.
  const other = await run([...keep, "--resume", "job.ts", at("out2"), at("trace2")]);
  expect(other.stderr).toContain("the job starts at its beginning");
  expect(turnsOf(other.stdout)).toEqual(turnsOf(whole.stdout));
  const anew = await run([...keep, "job.ts", at("out3"), at("trace3")]);
  expect(turnsOf(anew.stdout)).toEqual(turnsOf(whole.stdout));
}

test("F3: a driver on one machine that is killed in a turn of a loop goes on from there", async () => {
  using folder = new Folder({ "job.ts": PROGRAM });
  await killAndResume(
    folder.path,
    (args, onText) =>
      folder.run(
        [LUCIOLE, "run", "--workers", "2", "--quiet", ...args],
        onText === undefined ? {} : { onText },
      ),
    () => until("all processes are gone", () => processesOf(folder.scratch).length === 0),
  );
  expect(folder.leftovers()).toEqual([]);
}, 180_000);

test("F3: a driver on a cluster that is killed in a turn of a loop goes on from there", async () => {
  await using cluster = await Cluster.open({ agents: 2, slots: 2, files: { "job.ts": PROGRAM } });
  await killAndResume(
    cluster.folder.path,
    (args, onText) =>
      cluster.run(["--lease", "2s", "--workers", "2", ...args], onText === undefined ? {} : { onText }),
    () => cluster.settled(),
  );
}, 180_000);
