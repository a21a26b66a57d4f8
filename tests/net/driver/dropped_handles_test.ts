/** Handles that are dropped early. */
import { expect, test } from "bun:test";
import { flow } from "../../../core/program/flow.ts";
import { Cluster } from "../../oracle/cluster.ts";
import { until } from "../../oracle/until.ts";

// Too much to be kept in memory.
const numbers = flow("dropped-numbers", (f) => ({ all: f.range(50_000, { shards: 2 }) }));

test("release() lets go of an output though the flow was not known to the scheduler yet", async () => {
  await using cluster = await Cluster.open({ agents: 1, slots: 1 });
  const { job } = cluster;
  const kept = job.start(numbers);
  await kept.done;
  const shards = () => cluster.files().filter((file) => file.endsWith(".data")).length;
  expect(shards()).toBe(2);
  kept.outputs.all.release();
  const dropped = job.start(numbers);
  dropped.outputs.all.release();
  await dropped.done;
  await until("the shards are gone", () => shards() === 0);
});
