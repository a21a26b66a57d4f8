/** A full disk: every writer tells it in one way, and what was begun can still be discarded. */
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { LucioleError } from "../../../core/errors.ts";
import { StagedFile } from "../../../net/sink/staged_file.ts";
import { ShardFileWriter } from "../../../net/store/shard_writer.ts";
import { numberItem, removeTemporaryDirectories, temporaryDirectory } from "./fixtures.ts";

afterEach(removeTemporaryDirectories);

function refusalOf(action: () => unknown): LucioleError {
  try {
    action();
  } catch (error) {
    if (error instanceof LucioleError) return error;
    throw error;
  }
  throw new Error("expected the disk to be full");
}

// A link to /dev/full stands for a file on a disk without room.
describe("a full disk", () => {
  test.each(["data", "open", "index.tmp"])("fails a shard when its %s file has no room", (extension) => {
    const directory = temporaryDirectory();
    symlinkSync("/dev/full", join(directory, `a.${extension}`));
    const writer = new ShardFileWriter({ directory, attempt: "a", partitions: 1, isFollowed: true });
    writer.write(0, numberItem([1, 2, 3]), 3);
    const error = refusalOf(() => writer.commit());
    expect(error.code).toBe("disk-full");
    expect(error.message).toContain(`the disk of ${directory} is full`);
    expect(error.fields).toMatchObject({ directory });
    expect(existsSync(join(directory, "a.index"))).toBe(false);
    writer.discard();
    expect(readdirSync(directory)).toEqual([]);
  });

  test("fails a sink, which leaves nothing when it is discarded", () => {
    const staging = temporaryDirectory();
    symlinkSync("/dev/full", join(staging, "a.txt.tmp"));
    const file = new StagedFile({ staging, attempt: "a", extension: ".txt" });
    expect(refusalOf(() => file.write(new Uint8Array(1 << 20))).code).toBe("disk-full");
    file.discard();
    expect(readdirSync(staging)).toEqual([]);
  });
});
