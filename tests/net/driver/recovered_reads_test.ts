/** F2: datasets of which something is lost after their execution was done. */
import { expect, test } from "bun:test";
import { flow } from "../../../core/program/flow.ts";
import { Cluster } from "../../oracle/cluster.ts";
import { soon } from "../../oracle/until.ts";

// Too much to be kept in memory.
const ROWS = 60_000;
const numbers = flow("recovered-numbers", (f) => f.range(ROWS, { shards: 3 }).map((n) => n * 2));

test.each([1, 2])(
  "F2: a handle reads what was lost of its dataset once it is computed again, on %d agents",
  async (agents) => {
    await using cluster = await Cluster.open({ agents, slots: 1 });
    const handle = await cluster.job.execute(numbers);
    const [first, ...others] = cluster.files().filter((file) => file.endsWith(".data"));
    expect(others).toHaveLength(2);
    cluster.destroy(first);
    const rows = await handle.collect();
    expect(rows.length).toBe(ROWS);
    expect(new Set(rows).size).toBe(ROWS);
    expect(cluster.files().filter((file) => others.includes(file))).toEqual(others);
    expect(await handle.collect()).toEqual(rows);
    handle.release();
  },
);

test("F2: a flow reads what was lost of a dataset once it is computed again", async () => {
  await using cluster = await Cluster.open({ agents: 2, slots: 1 });
  const handle = await cluster.job.execute(numbers);
  for (const file of cluster.files().filter((one) => one.endsWith(".data"))) cluster.destroy(file);
  const sum = flow("recovered-sum", (f, p: { rows: typeof handle }) => f.from(p.rows).sum());
  const total = await (await cluster.job.execute(sum, { rows: handle })).collect();
  expect(total).toEqual([ROWS * (ROWS - 1)]);
});

test("F2: a handle fails when no agent is left that could compute what was lost again", async () => {
  await using cluster = await Cluster.open({ agents: 2, slots: 1 });
  const handle = await cluster.job.execute(numbers);
  await cluster.endAgents();
  await expect(soon("the failure", handle.collect())).rejects.toThrow(
    /^Cannot go on with the job: it has no agent any more; agent agent\d is gone: /,
  );
});
