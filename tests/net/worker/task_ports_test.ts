/** Where a task's inputs come from: committed shards of this host without a request, all others by one. */
import { afterEach, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { LucioleError } from "../../../core/errors.ts";
import type { ShardPiece } from "../../../core/plan/physical.ts";
import type { HeldPiece } from "../../../net/protocol.ts";
import { ShardFileWriter } from "../../../net/store/shard_writer.ts";
import type { AttemptHost } from "../../../net/worker/attempt_host.ts";
import { WorkerTaskPorts } from "../../../net/worker/task_ports.ts";
import { order } from "../agent/agent_world.ts";
import { numberItem, numbersOf, removeTemporaryDirectories, temporaryDirectory } from "../store/fixtures.ts";

afterEach(removeTemporaryDirectories);

test("readPiece() asks nobody for a committed shard of this host, and its agent for any other", async () => {
  const asked: string[] = [];
  const host = {
    agent: "here",
    directory: temporaryDirectory(),
    signal: new AbortController().signal,
    link: {
      shard: ({ attempt }: HeldPiece) => {
        asked.push(attempt);
        return Promise.reject(new LucioleError("not-found", "asked"));
      },
      pieces: ([{ attempt }]: readonly HeldPiece[]) => {
        asked.push(attempt);
        return Promise.reject(new LucioleError("not-found", "asked"));
      },
    },
    transportTo: () => ({ fetch: () => Promise.reject(new Error("fetched")) }),
  } as unknown as AttemptHost;
  const { directory } = host;
  const writing = new ShardFileWriter({ directory, attempt: "e0-0-0-1", partitions: 1 });
  writing.write(0, numberItem([1, 2, 3]), 3);
  writing.commit();

  const ports = new WorkerTaskPorts(order("e0-1-0-1"), host, {});
  const piece: ShardPiece = { agent: "here", attempt: "e0-0-0-1", partition: 0, isCommitted: true };
  const batch = await ports.readPiece(piece).next();
  expect(batch === undefined ? [] : numbersOf(batch)).toEqual([1, 2, 3]);
  const [held, { held: small }] = [numberItem([4, 5]), writeSmall(host)];
  const given = await ports.readPiece({ ...piece, attempt: "e0-0-9-1", held }).next();
  expect(given === undefined ? [] : numbersOf(given)).toEqual([4, 5]);
  expect(small).toEqual({ partitions: 2, items: [[1, held]] });
  expect(readdirSync(directory).sort()).toEqual(["e0-0-0-1.data", "e0-0-0-1.index"]);
  expect(asked).toEqual([]);
  for (const other of [
    { ...piece, isCommitted: false },
    { ...piece, agent: "there" },
  ]) {
    await expect(Promise.resolve(ports.readPiece(other).next())).rejects.toThrow("Cannot read shard");
  }
  expect(asked).toEqual(["e0-0-0-1", "e0-0-0-1"]);
  ports.discard();
});

/** What an attempt leaves that wrote two numbers. */
function writeSmall(host: AttemptHost) {
  const writing = new WorkerTaskPorts(order("e0-0-1-1"), host, {});
  writing.openWriter(2).write(1, numberItem([4, 5]), 2);
  return writing.commit({ partitions: [] });
}
