/** Copies of shards that must survive the machine: what is on disk, and when. */
import { expect, spyOn, test } from "bun:test";
import type { Batch } from "../../../core/batch/column.ts";
import { openCheckpointDirectory } from "../../../net/checkpoint/checkpoint_directory.ts";
import { CopyFiles } from "../../../net/checkpoint/copy_files.ts";
import { Scratch } from "../../oracle/checkpoint_program.ts";

const NOTHING: readonly Batch[] = [];

async function* none(): AsyncGenerator<Batch> {
  yield* NOTHING;
}

test("copies have their names on disk, and those of their directories, when they are said to survive the machine", async () => {
  using scratch = new Scratch();
  const root = scratch.at("copies");
  let synced: string[] = [];
  const copies = new CopyFiles(root, async (path) => void synced.push(path.slice(root.length)));
  const taken = (): string[] => {
    const paths = synced.sort();
    synced = [];
    return paths;
  };
  await copies.write({ execution: 3, group: 0, shard: 0 }, none(), true);
  // What `copies` is in, `copies`, and the directory of the execution.
  expect(taken()).toEqual(["", "", "/3"]);
  const small = await copies.write({ execution: 3, group: 0, shard: 1 }, none(), false);
  const other = await copies.write({ execution: 4, group: 1, shard: 0 }, none(), false);
  expect(taken()).toEqual([]);
  await Promise.all([copies.sync(), copies.sync()]);
  const paths = [small, other].map(({ path }) => path.slice(root.length));
  expect(taken()).toEqual(["", "/3", "/4", ...paths].sort());
  await copies.sync();
  expect(taken()).toEqual([]);
});

test("copies that could not be brought to disk are tried again, and those that were deleted are not missed", async () => {
  using scratch = new Scratch();
  let isFull = true;
  const tried: string[] = [];
  const failing = new CopyFiles(scratch.at("a"), async (path) => {
    tried.push(path);
    if (isFull) throw new Error("no room");
  });
  await failing.write({ execution: 0, group: 0, shard: 0 }, none(), false);
  await expect(failing.sync()).rejects.toThrow("no room");
  isFull = false;
  const before = tried.splice(0);
  await failing.sync();
  expect(tried.sort()).toEqual(before.sort());
  const copies = new CopyFiles(scratch.at("b"));
  await copies.write({ execution: 0, group: 0, shard: 0 }, none(), false);
  copies.drop(0);
  await copies.sync();
});

test("a checkpoint brings its copies to disk before what its log says of them", async () => {
  using scratch = new Scratch();
  const opened = { kind: "opened", version: "1", program: "p", args: [] } as const;
  const warned: string[] = [];
  const directory = await openCheckpointDirectory({
    path: scratch.at("kept"),
    isResumed: false,
    opened,
    log: () => undefined,
    warn: (text) => void warned.push(text),
    signal: new AbortController().signal,
  });
  const synced = spyOn(directory.copies, "sync");
  await directory.sync();
  expect(synced).toHaveBeenCalledTimes(1);
  synced.mockImplementation(() => Promise.reject(new Error("input/output error")));
  await directory.sync();
  // Nothing is deleted that might be missed then.
  expect({ isKept: directory.isKept, warned }).toEqual({
    isKept: false,
    warned: [expect.stringContaining("input/output error")],
  });
  directory.close(false);
});
