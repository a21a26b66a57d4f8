/** Attempt files: what was written comes back, by partition, from files and streams; damage is told. */
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { ShardLostError } from "../../../core/errors.ts";
import type { ShardPiece } from "../../../core/plan/physical.ts";
import { codecPorts } from "../../../net/codec_ports.ts";
import { readLocalPiece, readStreamedPiece } from "../../../net/store/piece_readers.ts";
import { ShardBytes } from "../../../net/store/shard_bytes.ts";
import { deleteAttempt, ShardFileWriter } from "../../../net/store/shard_writer.ts";
import { numberItem, readAll, removeTemporaryDirectories, temporaryDirectory } from "./fixtures.ts";

afterEach(removeTemporaryDirectories);

const attempt = "e1-0-0-0";

function piece(partition: number, chunks?: ShardPiece["chunks"]): ShardPiece {
  return {
    agent: "a",
    attempt,
    partition,
    isCommitted: true,
    ...(chunks === undefined ? {} : { chunks }),
  };
}

function writer(
  directory: string,
  partitions: number,
  onWritten?: (size: number) => Promise<void> | undefined,
) {
  return new ShardFileWriter({
    directory,
    attempt,
    partitions,
    ...(onWritten === undefined ? {} : { isFollowed: true, onWritten }),
  });
}

function bytesOf(
  directory: string,
  partition: number,
  more: { from?: number; chunks?: ShardPiece["chunks"] } = {},
) {
  return new ShardBytes({ directory, attempt, partition, checksum: codecPorts.checksum, ...more });
}

function drain(shard: ShardBytes): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (let bytes = shard.next(); bytes !== undefined; bytes = shard.next()) pieces.push(bytes);
  shard.close();
  return new Uint8Array(Buffer.concat(pieces));
}

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
}

const chunks = fc.array(fc.tuple(fc.nat(3), fc.array(fc.integer(), { maxLength: 40 })), { maxLength: 30 });

describe("ShardFileWriter and its readers", () => {
  test("give each partition and all of them back when chunks are random", async () => {
    await fc.assert(
      fc.asyncProperty(chunks, fc.integer({ min: 1, max: 400 }), async (written, size) => {
        const directory = temporaryDirectory();
        const open = writer(directory, 4);
        for (const [partition, values] of written) open.write(partition, numberItem(values), values.length);
        const report = open.commit();
        const all: number[][] = [];
        for (let p = 0; p < 4; p++) {
          const expected = written.filter(([at]) => at === p).map(([, values]) => values);
          all.push(...expected);
          expect(report.partitions[p].chunks).toBe(expected.length);
          expect(report.partitions[p].rows).toBe(expected.flat().length);
          expect(await readAll(readLocalPiece(directory, piece(p), codecPorts))).toEqual(expected);
          const stream = inPieces(drain(bytesOf(directory, p)), size);
          expect(await readAll(readStreamedPiece(stream, piece(p), codecPorts))).toEqual(expected);
        }
        expect(await readAll(readLocalPiece(directory, piece(-1), codecPorts))).toEqual(all);
        expect(readdirSync(directory).sort()).toEqual([`${attempt}.data`, `${attempt}.index`]);
      }),
      { numRuns: 60 },
    );
  });

  test("read only the chunks that are asked for", async () => {
    const directory = temporaryDirectory();
    const open = writer(directory, 2);
    for (let i = 0; i < 10; i++) open.write(i % 2, numberItem([i]), 1, { run: 0, firstKey: i });
    expect(open.commit().marks).toHaveLength(10);
    const range = { from: 1, to: 3 };
    expect(await readAll(readLocalPiece(directory, piece(1, range), codecPorts))).toEqual([[3], [5]]);
    const stream = inPieces(drain(bytesOf(directory, 1, { chunks: range })), 50);
    expect(await readAll(readStreamedPiece(stream, piece(1), codecPorts))).toEqual([[3], [5]]);
  });

  test("read shards of many windows when chunks are large", async () => {
    const directory = temporaryDirectory();
    const open = writer(directory, 1);
    const values = Array.from({ length: 70_000 }, (_, i) => i);
    for (let i = 0; i < 20; i++) open.write(0, numberItem(values), values.length);
    open.commit();
    const batches = await readAll(readLocalPiece(directory, piece(0), codecPorts));
    expect(batches.map((batch) => batch.length)).toEqual(Array(20).fill(70_000));
    expect(batches[19][69_999]).toBe(69_999);
  });

  test("resume a stream at any byte", () => {
    const directory = temporaryDirectory();
    const open = writer(directory, 1);
    for (let i = 0; i < 5; i++) open.write(0, numberItem([i, i]), 2);
    open.commit();
    const whole = drain(bytesOf(directory, 0));
    for (const from of [0, 1, 8, 100, whole.length - 1, whole.length]) {
      expect(drain(bytesOf(directory, 0, { from }))).toEqual(whole.slice(from));
    }
  });

  test("leave nothing when the attempt is discarded, or deleted after commit", () => {
    const directory = temporaryDirectory();
    const first = writer(directory, 1);
    first.write(0, numberItem([1]), 1);
    first.discard();
    expect(readdirSync(directory)).toEqual([]);
    const second = writer(directory, 1);
    second.commit();
    second.discard();
    expect(existsSync(join(directory, `${attempt}.index`))).toBe(true);
    deleteAttempt(directory, attempt);
    expect(readdirSync(directory)).toEqual([]);
  });

  test("make one file while an attempt is written that nobody follows, two when somebody does", () => {
    const directory = temporaryDirectory();
    const unfollowed = writer(directory, 1);
    unfollowed.write(0, numberItem([1]), 1);
    expect(readdirSync(directory)).toEqual([`${attempt}.data`]);
    unfollowed.discard();
    writer(directory, 1, () => undefined);
    expect(readdirSync(directory).sort()).toEqual([`${attempt}.data`, `${attempt}.open`]);
  });

  test("begin anew when files of the same attempt are there", async () => {
    const directory = temporaryDirectory();
    const first = writer(directory, 1);
    first.write(0, numberItem([1]), 1);
    first.commit();
    const again = writer(directory, 1);
    expect(() => readLocalPiece(directory, piece(0), codecPorts)).toThrow(ShardLostError);
    again.write(0, numberItem([2]), 1);
    again.commit();
    expect(await readAll(readLocalPiece(directory, piece(0), codecPorts))).toEqual([[2]]);
  });

  test("refuse a partition that there is not", () => {
    const open = writer(temporaryDirectory(), 2);
    for (const p of [-1, 2, Number.NaN]) expect(() => open.write(p, numberItem([1]), 1)).toThrow(RangeError);
    open.discard();
  });
});

describe("ShardBytes", () => {
  test("follows an attempt while it is written, and ends after settle", async () => {
    const directory = temporaryDirectory();
    const sizes: number[] = [];
    const open = writer(directory, 2, (size) => {
      sizes.push(size);
      return undefined;
    });
    open.write(1, numberItem([1]), 1);
    const shard = bytesOf(directory, 1);
    const pieces = [shard.next()];
    expect(pieces[0]?.byteLength).toBe(sizes[0]);
    expect(shard.next()).toBeUndefined();
    expect(shard.isAtEnd).toBe(false);
    open.write(0, numberItem([2]), 1);
    expect(shard.next()).toBeUndefined();
    open.write(1, numberItem([3, 4]), 2);
    pieces.push(shard.next());
    open.commit();
    expect(shard.next()).toBeUndefined();
    shard.settle();
    pieces.push(shard.next());
    expect(shard.isAtEnd).toBe(true);
    expect(shard.next()).toBeUndefined();
    shard.close();
    const body = new Uint8Array(Buffer.concat(pieces.filter((p) => p !== undefined)));
    expect(await readAll(readStreamedPiece(inPieces(body, 30), piece(1), codecPorts))).toEqual([[1], [3, 4]]);
  });
});

describe("F6: a damaged shard is lost", () => {
  function committed(): string {
    const directory = temporaryDirectory();
    const open = writer(directory, 1);
    for (let i = 0; i < 3; i++) open.write(0, numberItem([i, i + 1, i + 2]), 3);
    open.commit();
    return directory;
  }
  const data = (directory: string) => join(directory, `${attempt}.data`);
  const index = (directory: string) => join(directory, `${attempt}.index`);
  function flip(path: string, at: number): void {
    const bytes = readFileSync(path);
    bytes[at] ^= 255;
    writeFileSync(path, bytes);
  }

  test.each<[string, (directory: string) => void]>([
    ["its data is gone", (d) => unlinkSync(data(d))],
    ["its index is gone", (d) => unlinkSync(index(d))],
    ["its data is cut short", (d) => truncateSync(data(d), readFileSync(data(d)).length - 8)],
    ["its index is cut short", (d) => truncateSync(index(d), 50)],
    ["its index is empty", (d) => truncateSync(index(d), 0)],
    ["a byte of a batch changed", (d) => flip(data(d), 100)],
    ["a byte of a head changed", (d) => flip(data(d), 0)],
  ])("when %s", async (_name, damage) => {
    const directory = committed();
    damage(directory);
    let error: unknown;
    try {
      await readAll(readLocalPiece(directory, piece(0), codecPorts));
    } catch (e) {
      error = e;
    }
    expect(error).toBeInstanceOf(ShardLostError);
    expect((error as ShardLostError).fields.attempt).toBe(attempt);
  });

  test("when its stream ends early, breaks off, changes, or goes on after the trailer", async () => {
    const body = drain(bytesOf(committed(), 0));
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield body.slice(0, 40);
      throw new TypeError("reset");
    }
    const changed = body.slice();
    changed[60] ^= 1;
    const oneMissing = new Uint8Array(Buffer.concat([body.slice(0, 0), body.slice(body.length / 4)]));
    const streams = [inPieces(body.slice(0, -8), 64), broken(), inPieces(changed, 64)];
    streams.push(inPieces(new Uint8Array(Buffer.concat([body, body])), 1 << 20), inPieces(oneMissing, 64));
    for (const stream of streams) {
      await expect(readAll(readStreamedPiece(stream, piece(0), codecPorts))).rejects.toBeInstanceOf(
        ShardLostError,
      );
    }
  });

  test("whichever bit of its index was turned, or it is read as what was written", async () => {
    const directory = temporaryDirectory();
    const open = writer(directory, 3);
    const written = [[[1, 2], [3]], [], [[4]]];
    for (const [p, chunks] of written.entries()) {
      for (const values of chunks) open.write(p, numberItem(values), values.length);
    }
    open.commit();
    const whole = new Uint8Array(readFileSync(index(directory)));
    const readings = [...written, written.flat()].map((expected, i) => ({ p: i < 3 ? i : -1, expected }));
    const isLost = (error: unknown): "lost" => {
      expect(error).toBeInstanceOf(ShardLostError);
      return "lost";
    };
    let lost = 0;
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const turned = whole.slice();
      turned[bit >> 3] ^= 1 << (bit & 7);
      writeFileSync(index(directory), turned);
      for (const { p, expected } of readings) {
        const read = async () => await readAll(readLocalPiece(directory, piece(p), codecPorts));
        const stream = async () => {
          const bytes = inPieces(drain(bytesOf(directory, p)), 1 << 20);
          return await readAll(readStreamedPiece(bytes, piece(p), codecPorts));
        };
        for (const got of [await read().catch(isLost), await stream().catch(isLost)]) {
          if (got === "lost") lost++;
          else expect(got).toEqual(expected);
        }
      }
    }
    expect(lost).toBeGreaterThan(whole.length * 8);
  });

  test("when a bit of a record was turned that is read while the attempt is written", () => {
    const directory = temporaryDirectory();
    const attemptOpen = writer(directory, 2, () => undefined);
    attemptOpen.write(1, numberItem([1]), 1);
    const path = join(directory, `${attempt}.open`);
    const whole = new Uint8Array(readFileSync(path));
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const turned = whole.slice();
      turned[bit >> 3] ^= 1 << (bit & 7);
      writeFileSync(path, turned);
      const shard = bytesOf(directory, 1);
      expect(() => shard.next()).toThrow(ShardLostError);
      shard.close();
    }
    attemptOpen.discard();
  });

  test("when a partition or an attempt is asked for that there is not", () => {
    const directory = committed();
    expect(() => readLocalPiece(directory, piece(1), codecPorts)).toThrow(ShardLostError);
    expect(() => bytesOf(temporaryDirectory(), 0)).toThrow(ShardLostError);
  });
});
