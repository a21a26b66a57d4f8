/**
 * The log of a checkpoint on disk: appended to, read from its start, written anew when most of it is of no use.
 *
 * Knows frames and CBOR; what records mean is core/checkpoint's.
 */
import {
  closeSync,
  existsSync,
  fdatasync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
} from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { isPlainObject } from "../../core/batch/shape.ts";
import { frame, unframe } from "../../core/checkpoint/frames.ts";
import type { CheckpointRecord } from "../../core/checkpoint/records.ts";
import { decode, encode } from "../cbor.ts";
import { codecPorts } from "../codec_ports.ts";
import { writeAll } from "../store/disk.ts";

const syncData = promisify(fdatasync);

export interface ReadLog {
  readonly records: readonly CheckpointRecord[];
  /** Bytes at the end that are no whole record. */
  readonly tornBytes: number;
}

/** Everything that was written whole; nothing when there is no log. */
export function readLog(path: string): ReadLog {
  if (!existsSync(path)) return { records: [], tornBytes: 0 };
  const bytes = new Uint8Array(readFileSync(path));
  const { payloads, wholeBytes } = unframe(bytes, codecPorts.checksum);
  const records: CheckpointRecord[] = [];
  for (const payload of payloads) {
    const record = decode(payload);
    if (isPlainObject(record) && "kind" in record) records.push(record as unknown as CheckpointRecord);
  }
  return { records, tornBytes: bytes.byteLength - wholeBytes };
}

export class LogFile {
  readonly #path: string;
  #fd: number;
  #sizeBytes = 0;
  #isClosed = false;
  /** Does not fail; the file is not closed before. */
  #syncing: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  /** Begins the log anew with these records, in one step: a crash leaves the one before or this one. */
  constructor(path: string, records: readonly CheckpointRecord[]) {
    this.#path = path;
    this.#fd = this.#create(records);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  append(record: CheckpointRecord): void {
    this.#write(this.#fd, record);
  }

  /** Resolves when what was appended survives the machine. */
  sync(): Promise<void> {
    // Whoever asks while the disk is busy shares the next turn with others.
    if (this.#next !== undefined) return this.#next;
    const next = this.#syncing.then(async () => {
      this.#next = undefined;
      if (!this.#isClosed) await syncData(this.#fd);
    });
    this.#next = next;
    this.#syncing = next.catch(() => undefined);
    return next;
  }

  rewrite(records: readonly CheckpointRecord[]): void {
    const old = this.#fd;
    this.#sizeBytes = 0;
    this.#fd = this.#create(records);
    this.#closeFile(old);
  }

  /** Append nothing any more. */
  close(): void {
    this.#isClosed = true;
    this.#closeFile(this.#fd);
  }

  #closeFile(fd: number): void {
    void this.#syncing.then(() => closeSync(fd));
  }

  #create(records: readonly CheckpointRecord[]): number {
    const draft = `${this.#path}.new`;
    const fd = openSync(draft, "w", 0o600);
    try {
      for (const record of records) this.#write(fd, record);
      fsyncSync(fd);
      renameSync(draft, this.#path);
      syncDirectory(dirname(this.#path));
      return fd;
    } catch (error) {
      closeSync(fd);
      // On a full disk it is in the way of what is there.
      rmSync(draft, { force: true });
      throw error;
    }
  }

  #write(fd: number, record: CheckpointRecord): void {
    const bytes = frame(encode(record), codecPorts.checksum);
    writeAll(fd, bytes, this.#path);
    this.#sizeBytes += bytes.byteLength;
  }
}

function syncDirectory(directory: string): void {
  const fd = openSync(directory, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
