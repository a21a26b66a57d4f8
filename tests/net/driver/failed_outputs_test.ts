/** Outputs of executions that fail: whoever reads them hears the cause, whenever they ask. */
import { describe, expect, test } from "bun:test";
import type { DatasetInput } from "../../../core/program/dataset_ref.ts";
import { flow } from "../../../core/program/flow.ts";
import { Cluster } from "../../oracle/cluster.ts";
import { soon } from "../../oracle/until.ts";

function refuse(n: number): number {
  if (n === 39_999) throw new RangeError("a bad row");
  return n;
}

/** The first gives rows before it fails, the second fails before anybody can read of it. */
const FLOWS = {
  "a followed output": flow("failed-followed", (f) => f.range(40_000, { shards: 2 }).map(refuse)),
  "an output that never began": flow("failed-sorted", (f) =>
    f.range(40_000, { shards: 2 }).map(refuse).sort(),
  ),
};
const reading = flow("failed-reading", (f, p: { rows: DatasetInput<number> }) => f.from(p.rows));

describe.each(Object.entries(FLOWS))("handle of %s", (_, failing) => {
  test("collect() fails with the cause while the execution fails", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 1 });
    const { outputs } = cluster.job.start(failing);
    await expect(soon("the rows", outputs.collect())).rejects.toThrow("a bad row");
  });

  test("collect(), count() and persist() fail with the cause when it has failed", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 1 });
    const { outputs, done } = cluster.job.start(failing);
    await expect(soon("the end", done)).rejects.toThrow("a bad row");
    await expect(soon("the rows", outputs.collect())).rejects.toThrow("a bad row");
    await expect(soon("the count", outputs.count())).rejects.toThrow("a bad row");
    await expect(soon("the files", outputs.persist("never-made"))).rejects.toThrow("a bad row");
  });

  test("an execution that reads it fails with the cause, before and after", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 1 });
    const { outputs, done } = cluster.job.start(failing);
    const before = cluster.job.execute(reading, { rows: outputs });
    await expect(soon("the reader", before)).rejects.toThrow("a bad row");
    await expect(soon("the end", done)).rejects.toThrow("a bad row");
    const after = cluster.job.execute(reading, { rows: outputs });
    await expect(soon("the later reader", after)).rejects.toThrow("a bad row");
  });
});

describe("handle", () => {
  test("collect() after release() in the midst says so at once", async () => {
    await using cluster = await Cluster.open({ agents: 1, slots: 2 });
    const endless = flow("failed-endless", (f) =>
      f.generate(1, async function* () {
        for (let n = 0; ; n++) yield await new Promise<number>((resolve) => setImmediate(resolve, n));
      }),
    );
    const { outputs } = cluster.job.start(endless);
    const iterator = outputs[Symbol.asyncIterator]();
    expect((await soon("a row", iterator.next())).done).toBe(false);
    outputs.release();
    await expect(outputs.collect()).rejects.toThrow("released");
  });
});
