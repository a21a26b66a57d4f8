/** `explain` and `plot` of a dataset within its builder, before anybody looks for files. */
import { describe, expect, test } from "bun:test";
import { segmentSource } from "../../../core/exec/segment_code.ts";
import { graphOf } from "./planned.ts";

describe("dataset.explain()", () => {
  test("plans the dataset alone, with the shards that the user asked for", () => {
    const texts: string[] = [];
    graphOf((f) => {
      const lines = f.text("no/such/*.txt", { shards: 7 }).words();
      texts.push(lines.explain(), lines.countByValue().explain());
      return lines;
    });
    expect(texts[0]).toStartWith('Flow "test": 1 group, 7 tasks\n');
    expect(texts[1]).toStartWith('Flow "test": 2 groups, 11 tasks\n');
    expect(texts[1]).toContain("Group 0: 7 tasks, size unknown\n");
  });

  test("assumes something of every source", () => {
    graphOf((f) => {
      const sources = [
        f.csv("x"),
        f.jsonl("x"),
        f.binary("x"),
        f.files("x"),
        f.range(9),
        f.values([1], { shards: 2 }),
        f.generate(3, () => []),
      ];
      const tasks = sources.map((source) => /Group 0: (\d+) task/.exec(source.explain())?.[1]);
      expect(tasks).toEqual(["4", "4", "4", "4", "4", "2", "3"]);
      return [f.range(1)];
    });
  });
});

describe("dataset.explain({ code: true })", () => {
  test("shows the loops of each group, and nothing of them otherwise", () => {
    graphOf((f) => {
      const rows = f
        .csv("x", { columns: ["a", "b"], types: { b: "number" } })
        .filter((row) => row.b > 3)
        .map((row): [string, number] => [row.a, row.b])
        .reduceByKey((a, b) => a + b)
        .map(([key]) => key);
      const text = rows.explain({ code: true });
      expect(text.match(/^ {2}code: .*/gm)).toEqual([
        "  code: csv: bytes to the columns a, b",
        "  code: csv: columns to rows { a, b }, where a closure needs them",
        "  code: filter, map",
        "  code: map",
      ]);
      const expected = segmentSource(["filter", "map"], { takesPairs: true, canBeDone: false }, "rows");
      const shown = text.replaceAll(/^ {4}\| /gm, "").replaceAll(/\s/g, "");
      expect(shown).toContain(expected.replaceAll(/\s/g, ""));
      expect(rows.explain()).not.toContain("code:");
      expect(() => rows.explain({ source: true } as never)).toThrow("source");
      return rows;
    });
  });
});

describe("dataset.plot()", () => {
  test("draws in each format and refuses others", () => {
    graphOf((f) => {
      const rows = f.range(3).map((n) => n);
      expect(rows.plot()).toStartWith("<svg ");
      expect(rows.plot({ format: "svg" })).toBe(rows.plot());
      expect(rows.plot({ format: "dot" })).toStartWith('digraph "test" {');
      expect(rows.plot({ format: "mermaid" })).toStartWith("flowchart TD\n");
      expect(() => rows.plot({ format: "png" as never })).toThrow(
        'format must be one of "dot", "mermaid", "svg"',
      );
      return rows;
    });
  });
});
