/** Spill files: bytes come back, no name is left, and a full disk is told with its directory. */
import { afterEach, describe, expect, test } from "bun:test";
import { openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { LucioleError } from "../../../core/errors.ts";
import { BufferedFile } from "../../../net/store/disk.ts";
import { DiskSpillStore } from "../../../net/store/spill_store.ts";
import { removeTemporaryDirectories, temporaryDirectory } from "./fixtures.ts";

afterEach(removeTemporaryDirectories);

function thrownBy(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("DiskSpillStore", () => {
  test("gives bytes back at their positions when pieces are small and large", () => {
    const directory = temporaryDirectory();
    const store = new DiskSpillStore({ directory });
    const file = store.create();
    const sizes = [10, 300_000, 5, 0, 262_144, 1, 700_000];
    const places = sizes.map((size, i) => ({ size, i, position: file.append(new Uint8Array(size).fill(i)) }));
    for (const { size, i, position } of [...places].reverse()) {
      expect(file.read(position, size)).toEqual(new Uint8Array(size).fill(i));
    }
    expect(file.sizeBytes).toBe(sizes.reduce((a, b) => a + b));
    expect(readdirSync(directory)).toEqual([]);
    store.close();
    expect(() => file.read(0, 1)).toThrow();
  });

  test("refuses to grow beyond its quota, and has room again when a file is deleted", () => {
    const store = new DiskSpillStore({ directory: temporaryDirectory(), quotaBytes: 100 });
    const first = store.create();
    first.append(new Uint8Array(80));
    const second = store.create();
    const error = thrownBy(() => second.append(new Uint8Array(30)));
    expect(error).toBeInstanceOf(LucioleError);
    expect((error as LucioleError).code).toBe("disk-full");
    expect((error as LucioleError).fields).toMatchObject({ neededBytes: 30, freeBytes: 20 });
    first.delete();
    first.delete();
    second.append(new Uint8Array(100));
    store.close();
  });
});

describe("BufferedFile", () => {
  test("write(), read() and flush() refuse a closed file, whose buffer is another one's by then", () => {
    const directory = temporaryDirectory();
    const open = (name: string) => new BufferedFile(openSync(join(directory, name), "w+"), name);
    const closed = open("closed");
    closed.write(new Uint8Array([1, 2, 3]));
    closed.close();
    const other = open("other");
    other.write(new Uint8Array([4, 5]));
    const uses = [() => closed.write(new Uint8Array(9)), () => closed.read(0, 1), () => closed.flush()];
    for (const use of uses) expect(use).toThrow("Cannot use closed: it is closed");
    expect(other.read(0, 2)).toEqual(new Uint8Array([4, 5]));
    other.close();
  });

  test("F6: tells the directory, what is needed and what is free when the disk is full", () => {
    const file = new BufferedFile(openSync("/dev/full", "w"), "/dev/full");
    file.write(new Uint8Array(100));
    const error = thrownBy(() => file.flush());
    file.close();
    expect(error).toBeInstanceOf(LucioleError);
    expect((error as LucioleError).code).toBe("disk-full");
    expect((error as LucioleError).message).toStartWith(
      "Cannot write /dev/full: the disk of /dev is full, 100 bytes are needed and ",
    );
  });
});
