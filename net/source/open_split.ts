/**
 * Opens a split of a file as its bytes: whole lines, decompressed.
 *
 * A split owns the lines that begin in [start, end): it begins after the first
 * line end at or after start - 1 and runs to the end of its last line. Knows
 * nothing of what the lines mean.
 */
import { closeSync, fstatSync, openSync } from "node:fs";
import { LucioleError } from "../../core/errors.ts";
import type { ByteReader } from "../../core/exec/ports.ts";
import type { SourceSplit } from "../../core/plan/physical.ts";
import { readAt, systemCode } from "../store/disk.ts";
import { CompressedReader, type RawFile } from "./compressed_reader.ts";
import { missing, NO_SUCH_FILE } from "./list_files.ts";

const NEWLINE = 10;
const PIECE_BYTES = 1 << 20;

/** @throws {LucioleError} code "input-missing" or "input-unreadable" when the file went since it was found. */
export function openSplit(split: SourceSplit): ByteReader {
  if (split.kind !== "file")
    throw new RangeError(`Cannot open a split: it is of kind ${split.kind}, not file`);
  const file = new OpenFile(split.path);
  if (split.compression !== "none") return new CompressedReader(file, split.compression);
  if (Number.isFinite(split.end) && file.sizeBytes < split.end) {
    file.close();
    throw new LucioleError(
      "input-changed",
      `Cannot read "${split.path}": it had at least ${split.end} bytes when the flow was planned and has ${file.sizeBytes} now`,
      { fields: { path: split.path } },
    );
  }
  return new PlainReader(file, split.start, split.end);
}

class OpenFile implements RawFile {
  readonly name: string;
  readonly sizeBytes: number;
  /** Where the next read begins. */
  position = 0;
  readonly #fd: number;
  #isOpen = true;

  constructor(path: string) {
    this.name = path;
    try {
      this.#fd = openSync(path, "r");
      this.sizeBytes = fstatSync(this.#fd).size;
    } catch (cause) {
      if (systemCode(cause) === "ENOENT") throw missing(path, NO_SUCH_FILE);
      const code = "input-unreadable";
      throw new LucioleError(code, `Cannot read "${path}": it cannot be opened (${systemCode(cause)})`, {
        cause,
        fields: { path },
      });
    }
  }

  read(): Uint8Array | undefined {
    const wanted = Math.min(PIECE_BYTES, this.sizeBytes - this.position);
    if (!this.#isOpen || wanted <= 0) return undefined;
    const bytes = new Uint8Array(wanted);
    const count = readAt(this.#fd, bytes, this.position);
    if (count < wanted) {
      const size = this.position + count;
      throw new LucioleError(
        "input-changed",
        `Cannot read "${this.name}": it shrank from ${this.sizeBytes} to ${size} bytes while it was read`,
        { fields: { path: this.name } },
      );
    }
    this.position += count;
    return bytes;
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.#fd);
  }
}

class PlainReader implements ByteReader {
  readonly name: string;
  readonly #file: OpenFile;
  readonly #start: number;
  readonly #end: number;
  #hasBegun: boolean;
  #isOver = false;
  /** Position of the last piece in the file. */
  position = 0;

  constructor(file: OpenFile, start: number, end: number) {
    this.name = file.name;
    this.#file = file;
    this.#start = start;
    this.#end = end;
    this.#hasBegun = start === 0;
    file.position = Math.max(0, start - 1);
  }

  next(): Uint8Array | undefined {
    while (!this.#isOver) {
      const position = this.#file.position;
      // No own line can begin any more: the rest belongs to an earlier split's last line.
      if (!this.#hasBegun && position >= this.#end) break;
      const piece = this.#file.read();
      if (piece === undefined) break;
      const from = this.#hasBegun ? 0 : this.#begin(piece, position);
      if (from < 0) continue;
      if (from > 0 && position + from >= this.#end) break;
      const to = this.#lastByte(piece, position);
      if (to === from) continue;
      this.position = position + from;
      return from === 0 && to === piece.length ? piece : piece.subarray(from, to);
    }
    this.#isOver = true;
    return undefined;
  }

  close(): void {
    this.#isOver = true;
    this.#file.close();
  }

  /** Where in the piece the first own line begins, -1 when it begins in a later one. */
  #begin(piece: Uint8Array, position: number): number {
    const end = piece.indexOf(NEWLINE, Math.max(0, this.#start - 1 - position));
    if (end < 0) return -1;
    this.#hasBegun = true;
    return end + 1;
  }

  /** Byte after the last own one in the piece. */
  #lastByte(piece: Uint8Array, position: number): number {
    const last = this.#end - 1 - position;
    if (last >= piece.length) return piece.length;
    const end = piece.indexOf(NEWLINE, Math.max(0, last));
    if (end < 0) return piece.length;
    this.#isOver = true;
    return end + 1;
  }
}
