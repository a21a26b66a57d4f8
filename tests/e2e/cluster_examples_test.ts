/** G2 on a cluster: the examples print and write what they do on one machine, and leave nothing. */
import { afterAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Cluster } from "./cluster.ts";
import { ROOT } from "./executable.ts";

const TEXT = readFileSync(join(ROOT, "README.md"), "utf8");
const files: Record<string, string> = {
  "README.md": TEXT,
  "CONTRIBUTING.md": readFileSync(join(ROOT, "CONTRIBUTING.md"), "utf8"),
};
for (const name of readdirSync(join(ROOT, "examples"), { recursive: true }).map(String)) {
  if (/\.\w+$/.test(name)) files[`examples/${name}`] = readFileSync(join(ROOT, "examples", name), "utf8");
}
const cluster = await Cluster.open({ agents: 3, slots: 2, files });
afterAll(() => cluster[Symbol.asyncDispose]());

const EXAMPLES: readonly (readonly [string, ...string[]])[] = [
  ["word_count.ts", "README.md", "OUT"],
  ["word_count_self_join.ts"],
  ["word_count_two_files.ts"],
  ["word_count_channel.ts", "a b c", "extraordinary words", "b c"],
  ["chained_maps.ts"],
  ["sort_and_save.ts"],
  ["inverted_file.ts"],
  ["stack_analysis.ts"],
  ["pi.ts"],
  ["tf_idf.ts"],
  ["file_list.ts"],
  ["cogroup_filter.ts"],
  ["k_means.ts"],
  ["k_means_workers.ts"],
  ["page_rank.ts"],
];

/** Its directories of part files, whichever it makes, as their rows in order. */
function outputs(directory: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(join(cluster.folder.path, directory), { recursive: true })
    .map(String)
    .sort()) {
    if (/part-/.test(name)) found[name] = readFileSync(join(cluster.folder.path, directory, name), "utf8");
  }
  return found;
}

describe("G2 on 3 agents of 2 slots", () => {
  test.each(EXAMPLES)(
    "%s",
    async (name, ...args) => {
      const argsTo = (out: string) => [`examples/${name}`, ...args.map((arg) => (arg === "OUT" ? out : arg))];
      // As many workers, so that what is written is cut in as many parts.
      const local = await cluster.runLocally(argsTo("local.out"), 6);
      const spread = await cluster.run(argsTo("spread.out"));
      expect(spread.stderr).toBe(local.stderr);
      expect(spread.stdout.replace("spread.out", "OUT")).toBe(local.stdout.replace("local.out", "OUT"));
      expect(spread.code).toBe(0);
      if (args.includes("OUT")) {
        expect(outputs("spread.out")).toEqual(outputs("local.out"));
        expect(Object.keys(outputs("spread.out"))).not.toEqual([]);
      }
      await cluster.settled();
    },
    60_000,
  );
});
