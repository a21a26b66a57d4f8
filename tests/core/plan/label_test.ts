/** Labels of task groups: the user's operations, never the engine's steps. */
import { describe, expect, test } from "bun:test";
import type { FlowBuilder } from "../../../core/graph/builder.ts";
import { planned } from "./planned.ts";

function labelsOf(build: (f: FlowBuilder) => unknown): string[] {
  return planned(build as never).plan.groups.map(({ label }) => label);
}

describe("planGraph() labels", () => {
  test.each<[string, (f: FlowBuilder) => unknown, string[]]>([
    [
      "keyed aggregations and sorts",
      (f) =>
        f
          .text("in")
          .flatMap((line) => line.split(" "))
          .filter((word) => word !== "")
          .countByValue()
          .sortBy((pair) => pair[1])
          .writeText("out", String),
      ["text → flatMap → filter → countByValue (partial)", "countByValue → sortBy", "sortBy → writeText"],
    ],
    [
      "joins",
      (f) => {
        const pairs = f.text("in").keyBy((line) => line);
        return pairs.leftJoin(
          pairs.mapValues(() => 1),
          { strategy: "hash" },
        );
      },
      ["text → keyBy", "leftJoin", "mapValues → leftJoin", "leftJoin"],
    ],
    [
      "exchanges and unions",
      (f) =>
        f
          .range(4)
          .union(f.values([1]))
          .repartition(2)
          .map(String),
      ["range", "values", "union → repartition", "repartition → map"],
    ],
    [
      "names and long chains",
      (f) => {
        const rows = f.range(3).name("numbers").map(String).map(String).map(String);
        return rows
          .filter(Boolean)
          .tap(() => {})
          .flatMap((row) => [row])
          .name("n".repeat(40))
          .count();
      },
      [`numbers → map ×3 → … → ${"n".repeat(23)}… → count (partial)`, "count"],
    ],
  ])("%s by the operations of the user", (_, build, labels) => {
    expect(labelsOf(build)).toEqual(labels);
  });
});
