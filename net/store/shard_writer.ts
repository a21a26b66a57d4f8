/**
 * Writes the data and index file of one attempt.
 *
 * Chunks are appended as they come, whatever their partition. Nothing is readable
 * as committed before commit; discard leaves nothing. Knows nothing of rows.
 */
import { existsSync, mkdirSync, openSync } from "node:fs";
import { batchChecksum } from "../../core/batch/codec.ts";
import { LucioleError } from "../../core/errors.ts";
import type { ShardWriter } from "../../core/exec/ports.ts";
import type { ChunkMark, ShardReport } from "../../core/schedule/report.ts";
import { BufferedFile, orDiskFull, removeFiles } from "./disk.ts";
import { checkDiskRoom } from "./disk_room.ts";
import {
  type AttemptFiles,
  attemptFiles,
  type Chunk,
  RECORD_BYTES,
  writeIndex,
  writeRecord,
} from "./shard_index.ts";

export interface ShardWriterOptions {
  readonly directory: string;
  readonly attempt: string;
  readonly partitions: number;
  /** It may be read before it is committed: an open index is written beside the data. */
  readonly isFollowed?: boolean;
  /**
   * Of a followed attempt: every chunk is written at once, and this is told how many
   * bytes of data there are. What it returns is what `drained` waits for.
   */
  readonly onWritten?: (sizeBytes: number) => Promise<void> | undefined;
}

export class ShardFileWriter implements ShardWriter {
  readonly #options: ShardWriterOptions;
  readonly #files: AttemptFiles;
  readonly #data: BufferedFile;
  /** The open index, which only readers of what is still written need. */
  readonly #open: BufferedFile | undefined;
  readonly #chunks: Chunk[] = [];
  readonly #marks: ChunkMark[] = [];
  readonly #record = new Uint8Array(RECORD_BYTES);
  readonly #recordView = new DataView(this.#record.buffer);
  #waiting: Promise<void> | undefined;
  #isOver = false;

  constructor(options: ShardWriterOptions) {
    const { directory, attempt } = options;
    this.#options = options;
    this.#files = attemptFiles(directory, attempt);
    mkdirSync(directory, { recursive: true });
    // An attempt of this name that was cut off must not be mixed with this one.
    if (existsSync(this.#files.index)) removeFiles(this.#files.index);
    this.#data = create(this.#files.data);
    if (options.isFollowed === true) this.#open = create(this.#files.open);
  }

  get sizeBytes(): number {
    return this.#data.sizeBytes;
  }

  write(partition: number, item: Uint8Array, rows: number, mark?: ChunkMark): void {
    const { partitions, onWritten } = this.#options;
    if (!(partition >= 0 && partition < partitions)) {
      throw new RangeError(`Cannot write to partition ${partition}: there are ${partitions}`);
    }
    checkDiskRoom(this.#options.directory, item.byteLength);
    const chunk: Chunk = {
      partition,
      rows,
      position: this.#data.sizeBytes,
      length: item.byteLength,
      checksum: batchChecksum(item),
    };
    this.#data.write(item);
    if (this.#open !== undefined) {
      writeRecord(this.#recordView, 0, chunk);
      this.#open.write(this.#record);
    }
    this.#chunks.push(chunk);
    if (mark !== undefined) this.#marks.push(mark);
    if (onWritten === undefined) return;
    this.flush();
    const waiting = onWritten(this.#data.sizeBytes)?.finally(() => {
      if (this.#waiting === waiting) this.#waiting = undefined;
    });
    this.#waiting = waiting;
  }

  drained(): Promise<void> | undefined {
    return this.#waiting;
  }

  /** Writes what is held; data first, so that a record never tells of bytes that are not there. */
  flush(): void {
    this.#data.flush();
    this.#open?.flush();
  }

  /** Makes the attempt readable as committed. */
  commit(): ShardReport {
    if (this.#isOver) {
      throw new LucioleError("internal", `Cannot commit ${this.#options.attempt}: it has ended already`);
    }
    this.flush();
    const partitions = writeIndex(this.#files.index, this.#options.partitions, this.#chunks);
    this.#isOver = true;
    this.#close();
    if (this.#open !== undefined) removeFiles(this.#files.open);
    return this.#marks.length === 0 ? { partitions } : { partitions, marks: this.#marks };
  }

  /** Leaves nothing of the attempt; after commit it does nothing. */
  discard(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#close();
    deleteAttempt(this.#options.directory, this.#options.attempt);
  }

  #close(): void {
    this.#data.close();
    this.#open?.close();
  }
}

/** Deletes the files of an attempt, whatever its state; fine when they are gone already. */
export function deleteAttempt(directory: string, attempt: string): void {
  const { data, open, index } = attemptFiles(directory, attempt);
  removeFiles(index, `${index}.tmp`, open, data);
}

/** Deletes the files of an attempt that was committed. */
export function deleteCommitted(directory: string, attempt: string): void {
  const { data, index } = attemptFiles(directory, attempt);
  removeFiles(index, data);
}

function create(path: string): BufferedFile {
  return new BufferedFile(
    orDiskFull(path, 0, () => openSync(path, "w+")),
    path,
  );
}
