/**
 * The index files of an attempt: where each chunk of its data file lies.
 *
 * `<attempt>.open` grows with the data of a followed attempt while it is written: records
 * of 28 bytes in order of writing. `<attempt>.index` takes its place on commit: a head, one
 * directory entry a partition, then the records grouped by partition, so that a
 * consumer reads no more than its own. Where it exists the attempt is committed.
 *
 * All of it is checked by checksums: with a wrong count of chunks a part of the rows would be taken for all.
 */
import { closeSync, fstatSync, openSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { ShardLostError } from "../../core/errors.ts";
import type { PartitionReport } from "../../core/schedule/report.ts";
import { orDiskFull, readAt } from "./disk.ts";

/** Bytes of one record in either file. */
export const RECORD_BYTES = 28;
const HEAD_BYTES = 16;
const ENTRY_BYTES = 16;
const MAGIC = 0x4c554332;

/** One encoded batch in the data file. */
export interface Chunk {
  readonly partition: number;
  readonly rows: number;
  readonly position: number;
  readonly length: number;
  /** The one in the batch's head; the trailer's is made of these. */
  readonly checksum: number;
}

export interface AttemptFiles {
  readonly data: string;
  readonly open: string;
  readonly index: string;
}

export function attemptFiles(directory: string, attempt: string): AttemptFiles {
  const base = join(directory, attempt);
  return { data: `${base}.data`, open: `${base}.open`, index: `${base}.index` };
}

export function writeRecord(view: DataView, at: number, chunk: Chunk): void {
  view.setUint32(at, chunk.partition, true);
  view.setUint32(at + 4, chunk.rows, true);
  view.setFloat64(at + 8, chunk.position, true);
  view.setUint32(at + 16, chunk.length, true);
  view.setUint32(at + 20, chunk.checksum, true);
  seal(view, at, RECORD_BYTES);
}

/** @throws {ShardLostError} */
export function readRecord(view: DataView, at: number, attempt: string): Chunk {
  check(view, at, RECORD_BYTES, attempt);
  return {
    partition: view.getUint32(at, true),
    rows: view.getUint32(at + 4, true),
    position: view.getFloat64(at + 8, true),
    length: view.getUint32(at + 16, true),
    checksum: view.getUint32(at + 20, true),
  };
}

/** Writes the index of a finished attempt and tells what each partition holds. */
export function writeIndex(path: string, partitions: number, chunks: readonly Chunk[]): PartitionReport[] {
  const reports = Array.from({ length: partitions }, () => ({ rows: 0, bytes: 0, chunks: 0 }));
  for (const chunk of chunks) {
    const report = reports[chunk.partition];
    report.rows += chunk.rows;
    report.bytes += chunk.length;
    report.chunks++;
  }
  const bytes = new Uint8Array(HEAD_BYTES + partitions * ENTRY_BYTES + chunks.length * RECORD_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, partitions, true);
  view.setUint32(8, chunks.length, true);
  seal(view, 0, HEAD_BYTES);
  const next: number[] = [];
  let first = 0;
  for (const [p, report] of reports.entries()) {
    const at = HEAD_BYTES + p * ENTRY_BYTES;
    view.setUint32(at, p, true);
    view.setUint32(at + 4, first, true);
    view.setUint32(at + 8, report.chunks, true);
    seal(view, at, ENTRY_BYTES);
    next.push(first);
    first += report.chunks;
  }
  const records = HEAD_BYTES + partitions * ENTRY_BYTES;
  for (const chunk of chunks) writeRecord(view, records + next[chunk.partition]++ * RECORD_BYTES, chunk);
  const temporary = `${path}.tmp`;
  orDiskFull(path, bytes.byteLength, () => writeFileSync(temporary, bytes));
  renameSync(temporary, path);
  return reports;
}

/** The chunks of one partition of a committed attempt, or of all in order (-1). */
export function readIndex(directory: string, attempt: string, partition: number): Chunk[] {
  const path = attemptFiles(directory, attempt).index;
  let fd: number;
  try {
    fd = openSync(path, "r");
  } catch (cause) {
    throw lost(attempt, "its index is gone", cause);
  }
  try {
    return readChunks(fd, attempt, partition);
  } finally {
    closeSync(fd);
  }
}

function readChunks(fd: number, attempt: string, partition: number): Chunk[] {
  const head = readView(fd, attempt, 0, HEAD_BYTES);
  const partitions = head.getUint32(4, true);
  const count = head.getUint32(8, true);
  const records = HEAD_BYTES + partitions * ENTRY_BYTES;
  if (head.getUint32(0, true) !== MAGIC || fstatSync(fd).size !== records + count * RECORD_BYTES) {
    throw lost(attempt, "its index is malformed");
  }
  check(head, 0, HEAD_BYTES, attempt);
  if (partition >= partitions) {
    throw lost(attempt, `it has ${partitions} partitions, and no partition ${partition}`);
  }
  let first = 0;
  let length = count;
  if (partition >= 0) {
    const entry = readView(fd, attempt, HEAD_BYTES + partition * ENTRY_BYTES, ENTRY_BYTES);
    check(entry, 0, ENTRY_BYTES, attempt);
    first = entry.getUint32(4, true);
    length = entry.getUint32(8, true);
  }
  const view = readView(fd, attempt, records + first * RECORD_BYTES, length * RECORD_BYTES);
  return Array.from({ length }, (_, i) => readRecord(view, i * RECORD_BYTES, attempt));
}

/** Ends a part of an index with the checksum of the rest of it. */
function seal(view: DataView, at: number, length: number): void {
  view.setUint32(at + length - 4, checksumOf(view, at, length), true);
}

function check(view: DataView, at: number, length: number, attempt: string): void {
  if (view.getUint32(at + length - 4, true) !== checksumOf(view, at, length)) {
    throw lost(attempt, "its index is corrupt");
  }
}

function checksumOf({ buffer, byteOffset }: DataView, at: number, length: number): number {
  return crc32(new Uint8Array(buffer, byteOffset + at, length - 4));
}

function readView(fd: number, attempt: string, position: number, length: number): DataView {
  const bytes = new Uint8Array(length);
  if (readAt(fd, bytes, position) < length) throw lost(attempt, "its index is cut short");
  return new DataView(bytes.buffer);
}

/** The error of an attempt whose files cannot be read any more. */
export function lost(attempt: string, why: string, cause?: unknown): ShardLostError {
  return new ShardLostError(`Cannot read shard ${attempt}: ${why}`, {
    fields: { attempt },
    ...(cause === undefined ? {} : { cause }),
  });
}
