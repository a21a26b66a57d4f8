/** Where a task's inputs come from: committed shards of this host without a request, all others by one. */
import { afterEach, expect, test } from "bun:test";
import type { ShardPiece } from "../../../core/plan/physical.ts";
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
      shard: (attempt: string) => {
        asked.push(attempt);
        return Promise.reject(new Error("asked"));
      },
    },
    transportTo: () => ({ fetch: () => Promise.reject(new Error("fetched")) }),
  } as unknown as AttemptHost;
  const writing = new WorkerTaskPorts(order("e0-0-0-1"), host, {});
  writing.openWriter(1).write(0, numberItem([1, 2, 3]), 3);
  writing.commit({ partitions: [{ rows: 3, bytes: 24, chunks: 1 }] });

  const ports = new WorkerTaskPorts(order("e0-1-0-1"), host, {});
  const piece: ShardPiece = { agent: "here", attempt: "e0-0-0-1", partition: 0, isCommitted: true };
  const batch = await ports.readPiece(piece).next();
  expect(batch === undefined ? [] : numbersOf(batch)).toEqual([1, 2, 3]);
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
