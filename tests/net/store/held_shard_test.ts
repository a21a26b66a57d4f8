/**
 * Small shards in memory: whatever is written is read the same from memory, from files and from a stream.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { BatchReader } from "../../../core/exec/ports.ts";
import { HeldShards } from "../../../net/agent/shards/held_shards.ts";
import { codecPorts } from "../../../net/codec_ports.ts";
import { AttemptWriter } from "../../../net/store/attempt_writer.ts";
import { cutItems, HeldReader, heldItems, heldStream } from "../../../net/store/held_shard.ts";
import { readLocalPiece, readStreamedPiece } from "../../../net/store/piece_readers.ts";
import { ShardFileWriter } from "../../../net/store/shard_writer.ts";
import { numberItem, numbersOf, removeTemporaryDirectories, temporaryDirectory } from "./fixtures.ts";

const ATTEMPT = "e0-0-0-1";
afterEach(removeTemporaryDirectories);

async function batchesOf(reader: BatchReader): Promise<unknown[]> {
  const batches: unknown[] = [];
  for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) {
    batches.push(numbersOf(batch));
  }
  reader.close();
  return batches;
}

async function* inPieces(bytes: Uint8Array, length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.slice(at, at + length);
}

const written = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.array(fc.integer(), { minLength: 1 })), {
  maxLength: 12,
});

describe("a held shard", () => {
  test("is read as its files would be: whole, by partition, by chunks, and streamed", async () => {
    const place = { from: fc.nat({ max: 4 }), to: fc.nat({ max: 8 }) };
    const checked = fc.asyncProperty(
      written,
      fc.integer({ min: -1, max: 3 }),
      fc.option(fc.record(place), { nil: undefined }),
      async (items, partition, range) => {
        const directory = temporaryDirectory();
        const options = { directory, attempt: ATTEMPT, partitions: 4 };
        const file = new ShardFileWriter(options);
        const small = new AttemptWriter({ ...options, directory: join(directory, "none") });
        for (const [to, numbers] of items) {
          file.write(to, numberItem(numbers), numbers.length);
          small.write(to, numberItem(numbers), numbers.length);
        }
        const { shard, held } = small.commit();
        expect(shard).toEqual(file.commit());
        if (held === undefined) throw new Error("not held");
        const piece = { agent: "a", attempt: ATTEMPT, partition, isCommitted: true };
        const chunks = range === undefined ? undefined : { from: range.from, to: range.from + range.to };
        const cut = chunks === undefined ? piece : { ...piece, chunks };
        const expected = await batchesOf(readLocalPiece(directory, cut, codecPorts));
        const found = heldItems(held, ATTEMPT, partition);
        expect(await batchesOf(new HeldReader(cutItems(found, chunks), ATTEMPT, codecPorts))).toEqual(
          expected,
        );
        const stream = inPieces(heldStream(found, codecPorts.checksum), 100);
        expect(await batchesOf(readStreamedPiece(stream, cut, codecPorts))).toEqual(expected);
      },
    );
    await fc.assert(checked, { numRuns: 60 });
  });

  test("is written to files once it is large, with what was written before", async () => {
    const directory = temporaryDirectory();
    const writer = new AttemptWriter({ directory, attempt: ATTEMPT, partitions: 1 });
    const numbers = Array.from({ length: 1000 }, (_, i) => i + 0.5);
    const times = 20;
    for (let i = 0; i < times; i++) writer.write(0, numberItem(numbers), numbers.length);
    const { shard, held } = writer.commit();
    expect(held).toBeUndefined();
    expect(shard.partitions).toMatchObject([{ rows: times * numbers.length, chunks: times }]);
    const piece = { agent: "a", attempt: ATTEMPT, partition: 0, isCommitted: true };
    expect(await batchesOf(readLocalPiece(directory, piece, codecPorts))).toEqual(Array(times).fill(numbers));
  });

  test("is lost, not empty, where a byte of it changed", async () => {
    const items = numberItem([1, 2, 3]);
    items[items.length - 12] ^= 1;
    expect(() => new HeldReader(items, ATTEMPT, codecPorts).next()).toThrow("Cannot read shard e0-0-0-1");
  });

  test("refuses a partition that there is not, to write and to read", () => {
    const writer = new AttemptWriter({ directory: "/nowhere", attempt: ATTEMPT, partitions: 2 });
    expect(() => writer.write(2, numberItem([1]), 1)).toThrow("Cannot write to partition 2: there are 2");
    expect(() => heldItems({ partitions: 2, items: [] }, ATTEMPT, 2)).toThrow("it has 2 partitions");
  });
});

describe("HeldShards", () => {
  test("writes what is over its bound to files, and takes no room for what is gone", async () => {
    const directory = temporaryDirectory();
    const items = numberItem([1, 2, 3]);
    const shard = { partitions: 1, items: [[0, items]] as const };
    const shards = new HeldShards(directory, 2 * (items.byteLength + 512));
    for (const id of ["a", "b", "c"]) shards.keep(id, shard);
    expect(readdirSync(directory).sort()).toEqual(["c.data", "c.index"]);
    expect(shards.items("a", 0)).toEqual(items);
    expect(shards.items("c", 0)).toBeUndefined();
    const piece = { agent: "a", attempt: "c", partition: 0, isCommitted: true };
    expect(await batchesOf(readLocalPiece(directory, piece, codecPorts))).toEqual([[1, 2, 3]]);
    expect([shards.delete("a"), shards.delete("a"), shards.delete("c")]).toEqual([true, false, false]);
    shards.keep("d", shard);
    expect(shards.items("d", -1)).toEqual(items);
    expect(existsSync(join(directory, "d.data"))).toBe(false);
  });
});
