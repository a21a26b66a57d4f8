/**
 * Writing to and reading from the local disk in whole pieces, with errors that
 * say which directory is full. Knows nothing of what the bytes are.
 */
import { closeSync, readSync, statfsSync, unlinkSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { LucioleError } from "../../core/errors.ts";

const FULL_CODES: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** The code of a system error: ENOENT, EACCES, …; undefined for other errors. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** Runs a write; a full disk becomes a LucioleError that names the directory. */
export function orDiskFull<T>(path: string, neededBytes: number, write: () => T): T {
  try {
    return write();
  } catch (error) {
    if (!FULL_CODES.has(systemCode(error) ?? "")) throw error;
    throw diskFull(path, neededBytes, error);
  }
}

function diskFull(path: string, neededBytes: number, cause: unknown): LucioleError {
  const directory = dirname(path);
  const freeBytes = freeBytesOf(directory);
  const free = freeBytes === undefined ? "" : ` and ${freeBytes} are free`;
  return new LucioleError(
    "disk-full",
    `Cannot write ${path}: the disk of ${directory} is full, ${neededBytes} bytes are needed${free}`,
    { cause, fields: { directory, neededBytes, freeBytes: freeBytes ?? null } },
  );
}

function freeBytesOf(directory: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

/** Writes all bytes at the file's own position. */
export function writeAll(fd: number, bytes: Uint8Array, path: string): void {
  orDiskFull(path, bytes.byteLength, () => {
    for (let at = 0; at < bytes.byteLength; ) at += writeSync(fd, bytes, at, bytes.byteLength - at);
  });
}

/** Reads up to `bytes.length` bytes from a position; fewer only at the end of the file. */
export function readAt(fd: number, bytes: Uint8Array, position: number): number {
  let at = 0;
  while (at < bytes.byteLength) {
    const count = readSync(fd, bytes, at, bytes.byteLength - at, position + at);
    if (count === 0) break;
    at += count;
  }
  return at;
}

const BUFFER_BYTES = 256 * 1024;
/** Buffers of closed files, for the next ones: a short task would else make garbage of one each. */
const spareBuffers: Uint8Array[] = [];
const MAX_SPARE_BUFFERS = 4;

/** Collects small writes, so that they do not cost a system call each. */
export class BufferedFile {
  readonly path: string;
  readonly #fd: number;
  readonly #buffer = spareBuffers.pop() ?? new Uint8Array(BUFFER_BYTES);
  #used = 0;
  #written = 0;
  #isOpen = true;

  constructor(fd: number, path: string) {
    this.#fd = fd;
    this.path = path;
  }

  /** Bytes that were given, written or not. */
  get sizeBytes(): number {
    return this.#written + this.#used;
  }

  write(bytes: Uint8Array): void {
    this.#check();
    if (this.#used + bytes.byteLength > this.#buffer.byteLength) this.flush();
    if (bytes.byteLength > this.#buffer.byteLength) {
      writeAll(this.#fd, bytes, this.path);
      this.#written += bytes.byteLength;
    } else {
      this.#buffer.set(bytes, this.#used);
      this.#used += bytes.byteLength;
    }
  }

  flush(): void {
    if (this.#used === 0) return;
    this.#check();
    writeAll(this.#fd, this.#buffer.subarray(0, this.#used), this.path);
    this.#written += this.#used;
    this.#used = 0;
  }

  read(position: number, length: number): Uint8Array {
    this.#check();
    if (position + length > this.#written) this.flush();
    const bytes = new Uint8Array(length);
    const count = readAt(this.#fd, bytes, position);
    if (count < length) throw new RangeError(`Cannot read ${this.path}: ${position + count} is its end`);
    return bytes;
  }

  /** Closes without writing what is held; see flush. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.#fd);
    if (spareBuffers.length < MAX_SPARE_BUFFERS) spareBuffers.push(this.#buffer);
  }

  /** The descriptor and the buffer of a closed file may be another file's by now. */
  #check(): void {
    if (!this.#isOpen) throw new LucioleError("internal", `Cannot use ${this.path}: it is closed`);
  }
}

/** Deletes files; fine when they are gone already. */
export function removeFiles(...paths: readonly string[]): void {
  for (const path of paths) {
    try {
      unlinkSync(path);
    } catch (error) {
      if (systemCode(error) !== "ENOENT") throw error;
    }
  }
}
