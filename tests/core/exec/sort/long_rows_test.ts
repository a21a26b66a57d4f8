/** Tests of sorts of long rows, which are sorted batch by batch as they come and put together from these parts. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { createSinkEncoder } from "../../../../core/exec/sink_encoder.ts";
import { createLocalSort } from "../../../../core/exec/sort/local_sort.ts";
import { createRunWriter } from "../../../../core/exec/sort/run_writer.ts";
import type { NodeSpec } from "../../../../core/graph/node.ts";
import { compareValues } from "../../../../core/key/compare.ts";
import type { SortOrder } from "../../../../core/plan/physical.ts";
import { plain } from "./arbitrary_keys.ts";
import { batchesOf, Collector, fakeTask, MemoryWriter, rowsOf } from "./fake_task.ts";

const FILLING = "filling ".repeat(8);

interface Case {
  readonly name: string;
  readonly order: SortOrder;
  readonly row: (key: unknown, id: number) => unknown;
  readonly key: (row: unknown) => unknown;
}

function casesOf(descending: boolean): readonly Case[] {
  const by = (kind: SortOrder["by"]): SortOrder => ({ node: 0, by: kind, descending });
  return [
    {
      name: "texts by a closure",
      order: by("key"),
      row: (key, id) => `${String(key)}|${id}|${FILLING}`,
      key: (row) => String(row).split("|")[0],
    },
    {
      name: "objects by a closure",
      order: by("key"),
      row: (key, id) => ({ id, text: FILLING, key }),
      key: (row) => (row as { key: unknown }).key,
    },
    {
      name: "pairs",
      order: by("pairKey"),
      row: (key, id) => [key, `${FILLING}${id}`],
      key: (row) => (row as [unknown])[0],
    },
    {
      name: "rows that are their keys",
      order: by("row"),
      row: (key, id) => `${FILLING}${String(key)}${id % 3}`,
      key: (row) => row,
    },
  ];
}

const key = fc.oneof(
  ...[
    fc.constantFrom("a", "b", "same-prefix-1", "same-prefix-2", "same-prefix-", ""),
    fc.string({ maxLength: 4 }),
    fc.string({ unit: "binary", maxLength: 4 }),
    fc.integer({ min: -3, max: 3 }),
    fc.double(),
    fc.option(fc.string({ maxLength: 2 }), { nil: undefined }),
    fc.oneof(fc.integer({ min: 0, max: 2 }), fc.constantFrom("x", null)),
  ].map((one: fc.Arbitrary<unknown>) => fc.array(one, { maxLength: 90, size: "max" })),
);

function specOf({ order, key: fn }: Case): NodeSpec {
  const { by, descending } = order;
  if (by === "pairKey") return { kind: "sortByKey", descending };
  return by === "key" ? { kind: "sortBy", fn, descending } : { kind: "sort", descending };
}

function sorted(rows: readonly unknown[], { order, key: keyOf }: Case): unknown[] {
  const sign = order.descending ? -1 : 1;
  return rows
    .map((row) => ({ row, at: keyOf(row) }))
    .sort((a, b) => sign * compareValues(a.at, b.at))
    .map(({ row }) => row);
}

const arbitraryCase = fc.constantFrom(...casesOf(false), ...casesOf(true));

test("createLocalSort() gives what Array.prototype.sort gives when rows are long", async () => {
  await fc.assert(
    fc.asyncProperty(
      key,
      arbitraryCase,
      fc.constantFrom(9000, 1 << 20),
      fc.nat({ max: 30 }),
      async (keys, one, memoryBytes, single) => {
        const rows = keys.map((each, id) => one.row(each, id));
        const fake = fakeTask({ specs: [specOf(one)], memoryBytes });
        const collector = new Collector();
        const step = createLocalSort(fake.scope, one.order, collector);
        const cut = Math.min(single, rows.length);
        for (const row of rows.slice(0, cut)) step.row(row);
        for (const batch of batchesOf(rows.slice(cut), 11)) step.batch(batch);
        await step.finish();
        step.close?.();
        expect(plain(collector.rows)).toEqual(plain(sorted(rows, one)));
        expect(fake.openFiles()).toBe(0);
      },
    ),
    { numRuns: 400 },
  );
}, 60_000);

test("createRunWriter() marks each chunk with its first key when rows are long", () => {
  fc.assert(
    fc.property(key, arbitraryCase, (keys, one) => {
      const rows = keys.map((each, id) => one.row(each, id));
      const hasKeyColumn = one.order.by === "key";
      const fake = fakeTask({ specs: [specOf(one)] });
      const writer = new MemoryWriter();
      const tail = createRunWriter(fake.scope, one.order, hasKeyColumn, writer);
      for (const batch of batchesOf(rows, 9)) tail.batch(batch);
      tail.finish();
      const written = writer.batches.map((batch) => rowsOf([batch]));
      const firsts = written.map(([row]) => (hasKeyColumn ? (row as [unknown])[0] : one.key(row)));
      expect(plain(writer.marks.map(({ firstKey }) => firstKey))).toEqual(plain(firsts));
      const stored = written.flat().map((row) => (hasKeyColumn ? (row as [unknown, unknown])[1] : row));
      expect(plain(stored)).toEqual(plain(sorted(rows, one)));
    }),
    { numRuns: 200 },
  );
});

test("createLocalSort() writes the lines of long rows in their order", async () => {
  const sink = {
    kind: "sink",
    path: "o",
    format: { kind: "text" },
    isSingle: false,
    overwrite: false,
  } as const;
  const one = casesOf(false)[0];
  const rows = Array.from({ length: 30_000 }, (_, id) => String(one.row((id * 7919) % 5000, id)));
  const fake = fakeTask({ specs: [specOf(one), sink], memoryBytes: 64 << 20 });
  const pieces: Uint8Array[] = [];
  const encoder = createSinkEncoder(fake.scope, fake.scope.graph.nodes[1], {
    write: (bytes) => pieces.push(bytes.slice()),
  });
  const step = createLocalSort(fake.scope, one.order, encoder);
  for (const batch of batchesOf(rows)) step.batch(batch);
  await step.finish();
  expect(Buffer.concat(pieces).toString()).toBe(`${sorted(rows, one).join("\n")}\n`);
  expect(fake.scope.totals.rowsOut).toBe(rows.length);
});
