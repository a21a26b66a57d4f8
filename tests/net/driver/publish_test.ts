/** Several sinks of one flow: when one cannot be published, none is. */
import { afterEach, expect, test } from "bun:test";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { flow } from "../../../core/program/flow.ts";
import { Cluster } from "../../oracle/cluster.ts";
import { removeTemporaryDirectories, temporaryDirectory } from "../store/fixtures.ts";

afterEach(removeTemporaryDirectories);

const both = flow("publish-both", (f, p: { root: string }) => {
  const rows = f.range(4, { shards: 2 });
  rows.writeText(join(p.root, "first"), String);
  // Somebody puts a file of his own in the place of the second while the flow runs.
  rows
    .tap((n) => {
      if (n > 0) return;
      mkdirSync(join(p.root, "second"));
      writeFileSync(join(p.root, "second/mine"), "mine");
    })
    .writeText(join(p.root, "second"), String);
});

test("F8: execute() publishes no sink when the place of another was taken meanwhile", async () => {
  await using cluster = await Cluster.open({ agents: 1, slots: 2 });
  const root = temporaryDirectory();
  await expect(cluster.job.execute(both, { root })).rejects.toThrow('second": it holds "mine"');
  expect(readdirSync(root, { recursive: true }).map(String).sort()).toEqual(["second", "second/mine"]);
});
