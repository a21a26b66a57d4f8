/** Where the driver reads shards: from the files of this host when they are committed, else from their agent. */
import { afterEach, expect, test } from "bun:test";
import type { ShardPiece } from "../../../../core/plan/physical.ts";
import { NO_TOTALS } from "../../../../core/schedule/report.ts";
import { ExecutionRecord } from "../../../../net/driver/execution.ts";
import type { Executor } from "../../../../net/driver/executor/executor.ts";
import { readDataset } from "../../../../net/driver/reading/read_dataset.ts";
import type { HeldPiece, PieceAnswer } from "../../../../net/protocol.ts";
import { ShardFileWriter } from "../../../../net/store/shard_writer.ts";
import {
  numberItem,
  numbersOf,
  removeTemporaryDirectories,
  temporaryDirectory,
} from "../../store/fixtures.ts";

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
    shownItems: () => undefined,
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

/** Reads a dataset whose shards lie on agents `a` and `b`, and tells what was asked of them. */
async function readElsewhere(
  shards: readonly {
    readonly agent: string;
    readonly bytes: number;
    readonly isShown?: boolean;
    readonly answer?: null;
  }[],
) {
  const pieces = shards.map(({ agent }, shard) => {
    const piece: ShardPiece = { agent, attempt: `e0-0-${shard}-1`, partition: -1, isCommitted: true };
    return { shard, piece };
  });
  const of = ({ attempt }: HeldPiece): number => Number(attempt.split("-")[2]);
  const asked: string[] = [];
  const clientOf = (agent: string) => ({
    async readPieces(wanted: readonly HeldPiece[]): Promise<readonly PieceAnswer[]> {
      asked.push(`${agent}: ${wanted.map(of).join(" ")}`);
      return wanted.map((piece) => (shards[of(piece)].answer === null ? null : numberItem([of(piece)])));
    },
    async readShard(piece: HeldPiece): Promise<never> {
      asked.push(`${agent}: stream ${of(piece)}`);
      throw new Error("no streams here");
    },
  });
  const record = new ExecutionRecord("e0", "read", () => undefined);
  record.onEnded({ kind: "done", totals: NO_TOTALS, stages: [] }, new Map());
  const executor = {
    datasets: { pieces: () => pieces, isOrdered: () => false, sizes: () => shards },
    shownItems: (attempt: string) => {
      const shard = Number(attempt.split("-")[2]);
      return shards[shard].isShown === true ? numberItem([shard]) : undefined;
    },
    agent: clientOf,
  } as unknown as Executor;
  const { signal } = new AbortController();
  const options = { executor, dataset: "e0.0", local: undefined, signal, record, isReleased: () => false };
  const rows: number[] = [];
  const failure = await (async () => {
    for await (const batch of readDataset(options)) rows.push(...numbersOf(batch));
  })().catch((error: Error) => error.message);
  return { rows, asked, failure };
}

test("readDataset() asks each agent once for many small shards, and not for what was told already", async () => {
  const small = (agent: string) => ({ agent, bytes: 100 });
  const shards = [small("a"), { ...small("b"), isShown: true }, small("b"), small("a"), small("b")];
  const { rows, asked } = await readElsewhere(shards);
  expect(rows).toEqual([0, 1, 2, 3, 4]);
  expect(asked).toEqual(["a: 0 3", "b: 2 4"]);
  expect((await readElsewhere(shards.map((shard) => ({ ...shard, isShown: true })))).asked).toEqual([]);
});

test("readDataset() asks for a part of many shards, streams large ones, and tells what is not there", async () => {
  const { asked } = await readElsewhere(Array.from({ length: 40 }, () => ({ agent: "a", bytes: 60 * 1024 })));
  expect(asked.map((one) => one.split(" ").length - 1)).toEqual([17, 17, 6]);
  const large = await readElsewhere([
    { agent: "a", bytes: 100 },
    { agent: "a", bytes: 2 ** 20 },
  ]);
  expect([large.rows, large.asked.slice(0, 2)]).toEqual([[0], ["a: 0", "a: stream 1"]]);
  const gone = await readElsewhere([
    { agent: "a", bytes: 100 },
    { agent: "a", bytes: 100, answer: null },
  ]);
  expect(gone.rows).toEqual([0]);
  expect(gone.failure).toContain("e0-0-1-1: its agent does not have it");
});
