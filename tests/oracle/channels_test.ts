/** G9: rows that are sent in come out while the channel is open, also across an exchange. */
import { describe, expect, test } from "bun:test";
import type { Dataset } from "../../core/graph/dataset.ts";
import type { DatasetInput } from "../../core/program/dataset_ref.ts";
import { flow } from "../../core/program/flow.ts";
import { Cluster } from "./cluster.ts";
import { soon } from "./until.ts";

/** Rows that the test sends one by one. */
class Source implements AsyncIterable<number> {
  readonly #rows: number[] = [];
  #isOpen = true;
  #wake: () => void = () => undefined;

  send(...rows: readonly number[]): void {
    this.#rows.push(...rows);
    this.#wake();
  }

  end(): void {
    this.#isOpen = false;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<number> {
    for (;;) {
      yield* this.#rows.splice(0);
      if (this.#rows.length > 0) continue;
      if (!this.#isOpen) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

const CHAINS: Readonly<Record<string, (rows: Dataset<number>) => Dataset<number>>> = {
  map: (rows) => rows.map((n) => n * 10),
  "map, repartition, map": (rows) =>
    rows
      .map((n) => n * 5)
      .repartition(3)
      .map((n) => n * 2),
  "partitionBy, mapShards": (rows) =>
    rows
      .partitionBy((n) => n % 2, 2)
      .mapShards(async function* (own) {
        for await (const n of own) yield n * 10;
      }),
};

const streamed = flow("oracle-streamed", (f, p: { rows: DatasetInput<number>; chain: string }) =>
  CHAINS[p.chain](f.from(p.rows)),
);

const SIZES = [
  { agents: 1, slots: 5 },
  { agents: 2, slots: 3 },
];

describe.each(SIZES)("G9 on %j", (size) => {
  test.each(Object.keys(CHAINS))("each row comes out of %s before the next one is sent", async (chain) => {
    await using cluster = await Cluster.open(size);
    const source = new Source();
    const rows = cluster.job.channel(source);
    const { outputs, done } = cluster.job.start(streamed, { rows, chain });
    const iterator = outputs[Symbol.asyncIterator]();
    for (let n = 1; n <= 20; n++) {
      source.send(n);
      const { value } = await soon(`row ${n}`, iterator.next());
      expect(value).toBe(n * 10);
    }
    source.end();
    expect((await soon("the end", iterator.next())).done).toBe(true);
    await soon("the execution", done);
    await soon("the channel", rows.done);
  });
});

const bothWays = flow("oracle-both-ways", (f, p: { rows: DatasetInput<number> }) => {
  const rows = f.from(p.rows);
  return { even: rows.filter((n) => n % 2 === 0), sum: rows.sum(), sorted: rows.sort() };
});

describe("G9", () => {
  test("outputs that need all rows wait for the end of the channel, the others do not", async () => {
    await using cluster = await Cluster.open({ agents: 1, slots: 5 });
    const source = new Source();
    const { outputs, done } = cluster.job.start(bothWays, { rows: cluster.job.channel(source) });
    const even = outputs.even[Symbol.asyncIterator]();
    source.send(3, 2, 1);
    expect((await soon("2", even.next())).value).toBe(2);
    source.send(...Array.from({ length: 1000 }, (_, i) => 1000 - i));
    expect((await soon("1000", even.next())).value).toBe(1000);
    source.end();
    await soon("the execution", done);
    expect(await outputs.sum.collect()).toEqual([500_506]);
    expect((await outputs.sorted.collect()).slice(0, 6)).toEqual([1, 1, 2, 2, 3, 3]);
    expect(await outputs.even.count()).toBe(501);
  });

  test("a source that fails ends the channel with its error, and the job can be closed", async () => {
    await using cluster = await Cluster.open({ agents: 1, slots: 3 });
    const rows = cluster.job.channel(
      (async function* () {
        yield 1;
        throw new RangeError("no more of these");
      })(),
    );
    cluster.job.start(streamed, { rows, chain: "map" }).done.catch(() => undefined);
    await expect(soon("the channel", rows.done)).rejects.toThrow("no more of these");
  });

  test("a channel gives all of many rows, whatever the pace of the reader", async () => {
    await using cluster = await Cluster.open({ agents: 2, slots: 2 });
    const rows = cluster.job.channel(Array.from({ length: 50_000 }, (_, i) => i));
    const { outputs, done } = cluster.job.start(streamed, { rows, chain: "map, repartition, map" });
    let [count, sum] = [0, 0];
    for await (const row of outputs) {
      count += 1;
      sum += row;
    }
    expect({ count, sum }).toEqual({ count: 50_000, sum: 10 * 25_000 * 49_999 });
    await soon("the execution", done);
  });
});
