/** F9: a task that takes much longer than others runs a second time on another agent, and its rows come once. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { flow } from "../../core/program/flow.ts";
import { Cluster } from "./cluster.ts";
import { soon } from "./until.ts";

const folder = mkdtempSync(join(tmpdir(), "luciole-speculation-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Workers that performed the slow task, which are of different agents: the first does not end by itself. */
const performed: number[] = [];
let hasStopped = Promise.withResolvers<void>();
const uneven = flow("speculation-uneven", (f, p: { path: string }) => {
  const rows = f.generate(4, async function* (shard, ctx) {
    if (shard === 0) {
      performed.push(ctx.worker);
      if (performed.length === 1) {
        await new Promise<void>((resolve) => ctx.signal.addEventListener("abort", () => resolve()));
        hasStopped.resolve();
      }
    }
    yield shard;
  });
  return { rows, written: rows.writeText(p.path, String) };
});

test("F9: a straggler is run twice, on two agents, and gives one result, in a dataset and in files", async () => {
  await using cluster = await Cluster.open({ agents: 2, slots: 2 });
  performed.length = 0;
  hasStopped = Promise.withResolvers();
  const path = join(folder, "out");
  const { rows } = await soon("its end", cluster.job.execute(uneven, { path }));
  expect(await rows.collect()).toEqual([0, 1, 2, 3]);
  const parts = readdirSync(path).filter((name) => name.startsWith("part"));
  const lines = parts.flatMap((name) => readFileSync(join(path, name), "utf8").trim().split("\n"));
  expect(lines.toSorted()).toEqual(["0", "1", "2", "3"]);
  expect(performed.map((worker) => Math.floor(worker / 2)).toSorted()).toEqual([0, 1]);
  await soon("the end of the other one", hasStopped.promise);
  expect(readdirSync(folder)).toEqual(["out"]);
}, 60_000);
