/**
 * The SHA-256 of files and of each of their blocks, computed once for each state of a file.
 *
 * What was computed is kept in a directory, and holds as long as size, times and inode of the
 * file stay as they were.
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { open, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { BLOCK_BYTES, HASH_BYTES } from "../../core/program_blocks/program_ref.ts";
import { decode, encode } from "../cbor.ts";
import { keepFile } from "./kept_file.ts";

export interface HashedFile {
  readonly sha256: string;
  readonly sizeBytes: number;
  /** Hashes of its blocks, one after the other. */
  readonly blocks: Uint8Array;
}

interface HashRecord extends HashedFile {
  readonly stamp: string;
}

/** Read at a time: short enough that hashing it does not hold up what else goes on. */
const READ_BYTES = 16 * BLOCK_BYTES;
const MAX_RECORDS = 64;

/** Reads and hashes all of a file. */
export async function hashFile(path: string): Promise<HashedFile> {
  await using file = await open(path);
  const buffer = Buffer.alloc(READ_BYTES);
  const whole = createHash("sha256");
  const blocks: Buffer[] = [];
  let sizeBytes = 0;
  for (;;) {
    const length = await fill(file, buffer, sizeBytes);
    sizeBytes += length;
    for (let at = 0; at < length; at += BLOCK_BYTES) {
      blocks.push(sha256(buffer.subarray(at, Math.min(at + BLOCK_BYTES, length))));
    }
    whole.update(buffer.subarray(0, length));
    if (length < buffer.length) break;
  }
  return { sha256: whole.digest("hex"), sizeBytes, blocks: new Uint8Array(Buffer.concat(blocks)) };
}

/** The same of bytes in memory. */
export function hashBytes(bytes: Uint8Array): HashedFile {
  const blocks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES)
    blocks.push(sha256(bytes.subarray(at, at + BLOCK_BYTES)));
  return {
    sha256: sha256(bytes).toString("hex"),
    sizeBytes: bytes.length,
    blocks: new Uint8Array(Buffer.concat(blocks)),
  };
}

/** What changes whenever a file does. */
export async function stampOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
}

/**
 * Hashes a file unless that was done before.
 *
 * @param directory Where it is kept.
 * @param name What the file is known by there; its path unless told otherwise.
 */
export async function hashFileOnce(path: string, directory: string, name = path): Promise<HashedFile> {
  const stamp = await stampOf(path);
  const known = await readRecord(join(directory, recordName(name)));
  if (known?.stamp === stamp) return known;
  const hashed = await hashFile(path);
  // Somebody wrote to it meanwhile: what was read is of no state that can be named.
  if ((await stampOf(path)) === stamp) await keepHashes(directory, name, stamp, hashed);
  return hashed;
}

/** Keeps what is known of a file already. */
export async function keepHashes(
  directory: string,
  name: string,
  stamp: string,
  hashed: HashedFile,
): Promise<void> {
  const { sha256, sizeBytes, blocks } = hashed;
  await keepFile(directory, recordName(name), encode({ stamp, sha256, sizeBytes, blocks }), MAX_RECORDS);
}

async function readRecord(path: string): Promise<HashRecord | undefined> {
  try {
    const record = decode(await readFile(path)) as HashRecord;
    const isWhole =
      typeof record.sha256 === "string" &&
      record.blocks instanceof Uint8Array &&
      record.blocks.length === Math.ceil(record.sizeBytes / BLOCK_BYTES) * HASH_BYTES;
    return isWhole ? record : undefined;
  } catch {
    // There is none, or it was cut short.
    return undefined;
  }
}

function recordName(name: string): string {
  return `${sha256(name).toString("hex").slice(0, 32)}.hashes`;
}

function sha256(content: Uint8Array | string): Buffer {
  return createHash("sha256").update(content).digest();
}

/** Reads until the buffer is full or the file ends. */
async function fill(
  file: {
    read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ bytesRead: number }>;
  },
  buffer: Buffer,
  position: number,
): Promise<number> {
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, position + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return length;
}
