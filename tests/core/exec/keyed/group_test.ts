import { describe, expect, test } from "bun:test";
import { createGroup } from "../../../../core/exec/keyed/group.ts";
import { randomNumbers } from "../../../simulation/random.ts";
import { Collector, feed, graphOf, MemoryPorts, memoryScope } from "../memory_ports.ts";
import { groupPairs, type KeyKind, keyText, randomPairs, SEED } from "../random_rows.ts";

async function group(rows: readonly unknown[], memoryBytes: number, how: "rows" | "batches") {
  const ports = new MemoryPorts({ memoryBytes });
  const scope = memoryScope({ graph: graphOf({ kind: "groupByKey" }), ports });
  const out = new Collector();
  await feed(createGroup(scope, { op: "group", node: 0 }, out), rows, how, 100);
  ports.assertNoLeak();
  return { rows: out.rows as [unknown, unknown[]][], spills: ports.createdSpillFiles };
}

describe("createGroup()", () => {
  for (const kind of ["string", "number", "tuple", "object", "mixed"] as KeyKind[]) {
    for (const how of ["rows", "batches"] as const) {
      test(`createGroup() keeps order of keys and values for ${kind} keys fed as ${how}`, async () => {
        const pairs = randomPairs(randomNumbers(SEED), { kind, rows: 3000, distinct: 400 });
        const expected = [...groupPairs(pairs).values()].map(({ key, values }) => [keyText(key), values]);
        const { rows, spills } = await group(pairs, 64 << 20, how);
        expect(
          rows.map(([key, values]) => [keyText(key), values]),
          `seed ${SEED}`,
        ).toEqual(expected);
        expect(spills).toBe(0);
      });

      test(`createGroup() keeps the order of values for ${kind} keys fed as ${how} when it spills`, async () => {
        const pairs = randomPairs(randomNumbers(SEED), { kind, rows: 3000, distinct: 400 });
        const expected = new Map([...groupPairs(pairs)].map(([text, { values }]) => [text, values]));
        const { rows, spills } = await group(pairs, 4000, how);
        // More files than one: parts that were still too large were split again.
        expect(spills).toBeGreaterThan(1);
        expect(rows.length).toBe(expected.size);
        for (const [key, values] of rows)
          expect(values, `seed ${SEED}`).toEqual(expected.get(keyText(key)) ?? []);
      });
    }
  }

  test("createGroup() ends when one key alone is larger than the budget", async () => {
    const { rows } = await group(
      Array.from({ length: 5000 }, (_, i) => ["only", `value ${i}`]),
      1000,
      "batches",
    );
    expect(rows.length).toBe(1);
    expect(rows[0][1].length).toBe(5000);
  });

  test("createGroup() gives values of other shapes as they came", async () => {
    const rows = [
      ["a", 1],
      ["a", "one"],
      ["b", null],
      ["a", { x: [1, undefined] }],
    ];
    const { rows: out } = await group(rows, 64 << 20, "rows");
    expect(out).toEqual([
      ["a", [1, "one", { x: [1, undefined] }]],
      ["b", [null]],
    ]);
  });
});
