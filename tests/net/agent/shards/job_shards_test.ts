/** The end of a job's shards. */
import { afterEach, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { JobShards } from "../../../../net/agent/shards/job_shards.ts";
import { ShardFileWriter } from "../../../../net/store/shard_writer.ts";
import { numberItem, removeTemporaryDirectories, temporaryDirectory } from "../../store/fixtures.ts";

afterEach(removeTemporaryDirectories);

test("discard() touches no file once close() deletes the directory, which would stay for a file that goes meanwhile", async () => {
  const directory = join(temporaryDirectory(), "job");
  const shards = new JobShards({ directory, onWarning: () => undefined, onBroken: () => undefined });
  const write = () => {
    const writer = new ShardFileWriter({ directory, attempt: "e0-0-0-1", partitions: 1 });
    writer.write(0, numberItem([1]), 1);
    writer.commit();
  };
  const file = join(directory, "e0-0-0-1.data");
  write();
  shards.commit("e0-0-0-1");
  shards.discard("e0-0-0-1", "it was released");
  expect(existsSync(file)).toBe(false);
  await shards.close();
  expect(existsSync(directory)).toBe(false);
  // It stands for one that is still there while the directory is being deleted.
  write();
  shards.discard("e0-0-0-1", "it was released");
  expect(existsSync(file)).toBe(true);
});
