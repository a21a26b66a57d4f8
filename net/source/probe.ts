/**
 * Looks at one input file: its size, and by its first bytes how it is compressed.
 *
 * Opening it here is also the proof, before anything runs, that it can be read.
 */
import { closeSync, fstatSync, openSync } from "node:fs";
import { readAt, systemCode } from "../store/disk.ts";
import { unreadable } from "./list_files.ts";

export type Compression = "none" | "gzip" | "zstd";

export interface ProbedFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly compression: Compression;
}

/** @throws {LucioleError} code "input-unreadable". */
export function probeFile(path: string, pattern: string): ProbedFile {
  let fd: number | undefined;
  try {
    fd = openSync(path, "r");
    const head = new Uint8Array(4);
    const count = readAt(fd, head, 0);
    return { path, sizeBytes: fstatSync(fd).size, compression: compressionOf(head.subarray(0, count)) };
  } catch (cause) {
    throw unreadable(pattern, `${path} cannot be read (${systemCode(cause) ?? "unknown"})`, cause);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function compressionOf(head: Uint8Array): Compression {
  if (head[0] === 0x1f && head[1] === 0x8b && head[2] === 8) return "gzip";
  const isZstd = head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd;
  // A skippable frame may come first, as in seekable zstd files.
  const isSkippable = (head[0] & 0xf0) === 0x50 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18;
  return isZstd || isSkippable ? "zstd" : "none";
}
