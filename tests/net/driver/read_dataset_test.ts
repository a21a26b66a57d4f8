/** Where the driver reads shards: from the files of this host when they are committed, else from their agent. */
import { afterEach, expect, test } from "bun:test";
import { NO_TOTALS } from "../../../core/schedule/report.ts";
import { ExecutionRecord } from "../../../net/driver/execution.ts";
import type { Executor } from "../../../net/driver/executor.ts";
import { readDataset } from "../../../net/driver/read_dataset.ts";
import { ShardFileWriter } from "../../../net/store/shard_writer.ts";
import { numberItem, numbersOf, removeTemporaryDirectories, temporaryDirectory } from "../store/fixtures.ts";

afterEach(removeTemporaryDirectories);

test("readDataset() asks no agent for committed shards of this host", async () => {
  const directory = temporaryDirectory();
  const pieces = [0, 1].map((shard) => {
    const attempt = `e0-0-${shard}-1`;
    const writer = new ShardFileWriter({ directory, attempt, partitions: 1 });
    writer.write(0, numberItem([shard, shard + 10]), 2);
    writer.commit();
    return { shard, piece: { agent: "local", attempt, partition: 0, isCommitted: true } };
  });
  const record = new ExecutionRecord("e0", "read", () => undefined);
  record.onEnded({ kind: "done", totals: NO_TOTALS, stages: [] }, new Map());
  const asked: string[] = [];
  const executor = {
    datasets: {
      pieces: () => pieces,
      isOrdered: () => false,
      sizes: () => pieces.map(() => ({ rows: 2, bytes: 16 })),
    },
    agent: (id: string) => {
      asked.push(id);
      throw new Error("an agent was asked");
    },
  } as unknown as Executor;
  const { signal } = new AbortController();
  const read = async (agent: string) => {
    const local = { agent, directory };
    const options = { executor, dataset: "e0.0", local, signal, record, isReleased: () => false };
    return (await Array.fromAsync(readDataset(options))).map(numbersOf);
  };
  expect(await read("local")).toEqual([
    [0, 10],
    [1, 11],
  ]);
  expect(asked).toEqual([]);
  await expect(read("another")).rejects.toThrow("an agent was asked");
  expect(asked).toEqual(["local"]);
});
