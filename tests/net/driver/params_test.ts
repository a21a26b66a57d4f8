/** Parameters of flows: what the caller gave is what the builder finds, on the driver and on workers. */
import { expect, test } from "bun:test";
import { type DatasetInput, DatasetRef } from "../../../core/program/dataset_ref.ts";
import { flow } from "../../../core/program/flow.ts";
import { Cluster } from "../../oracle/cluster.ts";

const numbers = flow("params-numbers", (f, p: { to: number }) => f.range(p.to, { shards: 2 }));

interface Nested {
  readonly inputs: readonly { readonly name: string; readonly rows: DatasetInput<number> }[];
  readonly deep: { readonly list: readonly (readonly [string, DatasetInput<number>])[] };
  readonly since: Date;
  readonly names: ReadonlyMap<string, bigint>;
}

const nested = flow("params-nested", (f, p: Nested) => {
  const [first, second] = p.inputs;
  const [[, third]] = p.deep.list;
  const isRef = [first.rows, second.rows, third].every((input) => input instanceof DatasetRef);
  const kinds = [isRef, p.since instanceof Date, p.names.get("a") === 7n].join();
  const tagged = (name: string, rows: DatasetInput<number>) =>
    f.from(rows).map((n) => `${name} ${n} ${kinds}`);
  return tagged(first.name, first.rows).union(tagged(second.name, second.rows), tagged("deep", third));
});

test("execute() hands on handles and channels within arrays and objects, and values of any kind", async () => {
  await using cluster = await Cluster.open({ agents: 1, slots: 2 });
  const { job } = cluster;
  const handle = await job.execute(numbers, { to: 2 });
  const other = await job.execute(numbers, { to: 1 });
  const params = {
    inputs: [
      { name: "handle", rows: handle },
      { name: "channel", rows: job.channel([5, 6]) },
    ],
    deep: { list: [["x", other]] },
    since: new Date(0),
    names: new Map([["a", 7n]]),
  } as const;
  const rows = await (await job.execute(nested, params)).collect();
  const expected = ["handle 0", "handle 1", "channel 5", "channel 6", "deep 0"];
  expect(rows).toEqual(expected.map((text) => `${text} true,true,true`));
});
