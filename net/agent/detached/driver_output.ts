/**
 * What a detached driver has printed, on disk: as it came, stream by stream, the last megabytes of it.
 *
 * A record is its length, its stream, the time and the bytes. Positions count the bytes of all records since the
 * beginning, so whoever reads can go on where it was. Knows nothing of processes.
 */
import { Buffer } from "node:buffer";
import { existsSync, readdirSync, statSync } from "node:fs";
import { type FileHandle, mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import type { OutputItem, OutputStream } from "../../driver_protocol.ts";

export interface DriverOutputOptions {
  /** Made here; of this output alone. */
  readonly directory: string;
  readonly segmentBytes?: number;
  readonly segments?: number;
}

type Piece = Exclude<OutputItem, { readonly kind: "ended" }>;

interface Segment {
  readonly path: string;
  /** Position of its first byte. */
  readonly start: number;
  length: number;
}

const SEGMENT_BYTES = 4 * 2 ** 20;
const SEGMENTS = 4;
const HEAD_BYTES = 13;
const STREAMS: readonly OutputStream[] = ["stdout", "stderr"];
const READ_BYTES = 256 * 1024;
/** A record has at most so much, so that a read gets a whole one. */
const MAX_RECORD_BYTES = 64 * 1024;

export class DriverOutput {
  readonly #options: Required<DriverOutputOptions>;
  readonly #segments: Segment[] = [];
  #file: FileHandle | undefined;
  #writing: Promise<void> = Promise.resolve();
  #isEnded = false;
  readonly #waiting = new Set<() => void>();
  /** Bytes after the last record that a full disk did not take. */
  #lost = 0;

  constructor(options: DriverOutputOptions) {
    this.#options = { segmentBytes: SEGMENT_BYTES, segments: SEGMENTS, ...options };
  }

  /** What an output of the process before has left: nothing is to come. */
  static ofPast(directory: string): DriverOutput {
    const output = new DriverOutput({ directory });
    const names = existsSync(directory) ? readdirSync(directory) : [];
    for (const name of names) {
      const [path, start] = [join(directory, name), Number.parseInt(name, 10)];
      if (Number.isSafeInteger(start)) output.#segments.push({ path, start, length: statSync(path).size });
    }
    output.#segments.sort((a, b) => a.start - b.start);
    output.#isEnded = true;
    return output;
  }

  /** Resolves when it is on disk: whoever waits for it holds no more than that in memory. */
  write(stream: OutputStream, bytes: Uint8Array, time: number): Promise<void> {
    const copy = Buffer.from(bytes);
    // What a full disk does not take is lost, and not what comes after it.
    this.#writing = this.#writing.catch(() => undefined).then(() => this.#write(stream, copy, time));
    return this.#writing;
  }

  /** Nothing is to come. */
  async end(): Promise<void> {
    await this.#writing.catch(() => undefined);
    this.#isEnded = true;
    this.#wake();
    await this.#close();
  }

  async delete(): Promise<void> {
    await this.end();
    await rm(this.#options.directory, { recursive: true, force: true });
  }

  /** What was printed from a position on, some of it at a time; it ends when nothing is to come, or with what there is. */
  async *read(from: number, isFollowed: boolean, signal: AbortSignal): AsyncGenerator<Piece> {
    let position = from;
    while (!signal.aborted) {
      const segment = this.#segments.find(({ start, length }) => position < start + length);
      if (segment === undefined) {
        if (this.#isEnded || !isFollowed) {
          const next = this.position + this.#lost;
          if (position < next) yield { kind: "dropped", next, count: next - position };
          return;
        }
        await this.#more(signal);
        continue;
      }
      if (position < segment.start) {
        yield { kind: "dropped", next: segment.start, count: segment.start - position };
        position = segment.start;
      }
      const pieces = await readSegment(segment, position);
      for (const piece of pieces) {
        position = piece.next;
        yield piece;
      }
      if (pieces.length > 0 || !this.#segments.includes(segment)) continue;
      // No record begins there: nobody was ever told of that position.
      const next = segment.start + segment.length;
      yield { kind: "dropped", next, count: next - position };
      position = next;
    }
  }

  /** Where the next byte goes. */
  get position(): number {
    const last = this.#segments.at(-1);
    return last === undefined ? 0 : last.start + last.length;
  }

  async #write(stream: OutputStream, bytes: Buffer, time: number): Promise<void> {
    // Of a process that the driver left behind, which still has its pipes.
    if (this.#isEnded) return;
    for (let at = 0; at < bytes.length; at += MAX_RECORD_BYTES) {
      const part = bytes.subarray(at, at + MAX_RECORD_BYTES);
      const head = Buffer.alloc(HEAD_BYTES);
      head.writeUInt32LE(part.length, 0);
      head.writeUInt8(STREAMS.indexOf(stream), 4);
      head.writeDoubleLE(time, 5);
      const record = Buffer.concat([head, part]);
      await this.#append(record).catch(async (error) => {
        await this.#lose(record.length);
        throw error;
      });
    }
    this.#wake();
  }

  async #append(record: Buffer): Promise<void> {
    const segment = await this.#segmentFor(record.length);
    const written = await this.#file?.write(record, 0, record.length, segment.length);
    // A disk that fills up takes the beginning of it.
    if (written?.bytesWritten !== record.length) throw new Error("Cannot keep output: the disk is full");
    segment.length += record.length;
  }

  /** Readers are told of it as of what is not kept any more. */
  async #lose(bytes: number): Promise<void> {
    await this.#close();
    const last = this.#segments.at(-1);
    if (last?.length === 0) {
      this.#segments.pop();
      await rm(last.path, { force: true });
      this.#lost = last.start - this.position;
    }
    this.#lost += bytes;
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close().catch(() => undefined);
  }

  async #segmentFor(bytes: number): Promise<Segment> {
    const { directory, segmentBytes, segments } = this.#options;
    const last = this.#segments.at(-1);
    if (last !== undefined && this.#file !== undefined && last.length + bytes <= segmentBytes) return last;
    const start = this.position + this.#lost;
    await this.#close();
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const segment = { path: join(directory, `${start}.output`), start, length: 0 };
    this.#file = await open(segment.path, "w", 0o600);
    this.#lost = 0;
    this.#segments.push(segment);
    if (this.#segments.length > segments) {
      const [oldest] = this.#segments.splice(0, 1);
      if (oldest !== undefined) await rm(oldest.path, { force: true });
    }
    return segment;
  }

  #more(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}

/** Whole records from a position on; none when the file was deleted meanwhile. */
async function readSegment({ path, start, length }: Segment, position: number): Promise<readonly Piece[]> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return [];
  try {
    const size = Math.min(READ_BYTES, start + length - position);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, position - start);
    const pieces: Piece[] = [];
    for (let at = 0; at + HEAD_BYTES <= bytesRead; ) {
      const end = at + HEAD_BYTES + buffer.readUInt32LE(at);
      if (end > bytesRead) break;
      const stream = STREAMS[buffer.readUInt8(at + 4)] ?? "stderr";
      const bytes = new Uint8Array(buffer.subarray(at + HEAD_BYTES, end));
      pieces.push({ kind: "output", next: position + end, stream, time: buffer.readDoubleLE(at + 5), bytes });
      at = end;
    }
    return pieces;
  } finally {
    await file.close();
  }
}
