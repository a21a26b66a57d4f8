/** Sources of which a plan wants some columns only: the same rows, the same malformed ones, fewer columns. */
import { afterEach, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { runSourceHead } from "../../../core/exec/source_head.ts";
import type { NodeSpec } from "../../../core/graph/node.ts";
import { resolveSource } from "../../../net/source/resolve.ts";
import { removeTemporaryDirectories, temporaryDirectory } from "../store/fixtures.ts";
import { gatherer, nodeFor, scopeFor } from "./task_scope.ts";

afterEach(removeTemporaryDirectories);

async function read(spec: NodeSpec, columns?: readonly string[]) {
  const { splits } = await resolveSource(nodeFor(spec), { slots: 2 });
  const rows: unknown[] = [];
  const counters: Record<string, number> = {};
  for (const task of splits.keys()) {
    const scope = scopeFor(spec, task);
    const head = { kind: "source", node: 0, splits, ...(columns === undefined ? {} : { columns }) } as const;
    await runSourceHead(scope, head, gatherer(rows));
    for (const [name, by] of Object.entries(scope.counters)) counters[name] = (counters[name] ?? 0) + by;
  }
  return { rows: rows as Record<string, unknown>[], counters };
}

function only(row: Record<string, unknown>, columns: readonly string[]) {
  return Object.fromEntries(Object.entries(row).filter(([name]) => columns.includes(name)));
}

const field = fc.constantFrom("", "1", "x", '"a,\nb"', '"q""q"', "é");
const NAMES = ["s", "n", "t"];

test("csv gives the wanted columns of the same rows, and skips the same malformed ones", async () => {
  const types = { n: "number" } as const;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { maxLength: 20 }),
      fc.subarray([...NAMES, "missing"]),
      fc.constantFrom(undefined, ["n", "t"]),
      async (records, wanted, columns) => {
        const path = join(temporaryDirectory(), "t.csv");
        writeFileSync(path, [NAMES, ...records].map((record) => `${record.join(",")}\n`).join(""));
        const options = { types, onError: "skip", ...(columns === undefined ? {} : { columns }) } as const;
        const spec: NodeSpec = { kind: "csv", path, options, split: { splitBytes: 30 } };
        const all = await read(spec);
        const some = await read(spec, wanted);
        expect(some.counters).toEqual(all.counters);
        expect(some.rows.map((row) => only(row, wanted))).toEqual(all.rows.map((row) => only(row, wanted)));
        // What may be malformed is looked at; the rest is not made.
        for (const row of some.rows)
          expect(Object.keys(row).filter((name) => name !== "n" && !wanted.includes(name))).toEqual([]);
      },
    ),
    { numRuns: 100 },
  );
});

test("jsonl gives the wanted properties of the same rows", async () => {
  const path = join(temporaryDirectory(), "t.jsonl");
  writeFileSync(path, '{"a":1,"b":{"c":2}}\n{"b":3}\nnot json\n{"a":null}\n');
  const spec: NodeSpec = { kind: "jsonl", path, options: { onError: "skip" }, split: {} };
  expect(await read(spec, ["a"])).toEqual({
    rows: [{ a: 1 }, {}, { a: null }],
    counters: { "malformed lines": 1 },
  });
});
