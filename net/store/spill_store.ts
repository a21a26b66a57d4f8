/**
 * Scratch files of a task.
 *
 * A file loses its name as soon as it is open, so nothing is left behind however
 * the process ends. Knows nothing of what is spilled.
 */
import { mkdirSync, openSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { LucioleError } from "../../core/errors.ts";
import type { SpillFile, SpillStore } from "../../core/exec/ports.ts";
import { BufferedFile, orDiskFull } from "./disk.ts";
import { checkDiskRoom } from "./disk_room.ts";

export interface SpillStoreOptions {
  readonly directory: string;
  /** Bytes that all files of the store may hold together. */
  readonly quotaBytes?: number;
}

let created = 0;

export class DiskSpillStore implements SpillStore {
  readonly #directory: string;
  readonly #quotaBytes: number;
  readonly #files = new Set<DiskSpillFile>();
  #usedBytes = 0;

  constructor(options: SpillStoreOptions) {
    this.#directory = options.directory;
    this.#quotaBytes = options.quotaBytes ?? Number.POSITIVE_INFINITY;
  }

  create(): SpillFile {
    const path = join(this.#directory, `spill-${process.pid}-${created++}`);
    mkdirSync(this.#directory, { recursive: true });
    const fd = orDiskFull(path, 0, () => openSync(path, "wx+", 0o600));
    unlinkSync(path);
    const file = new DiskSpillFile(new BufferedFile(fd, path), {
      grow: (sizeBytes) => this.#grow(sizeBytes),
      deleted: () => {
        this.#files.delete(file);
        this.#usedBytes -= file.sizeBytes;
      },
    });
    this.#files.add(file);
    return file;
  }

  /** Deletes every file that is left. */
  close(): void {
    for (const file of [...this.#files]) file.delete();
  }

  #grow(sizeBytes: number): void {
    checkDiskRoom(this.#directory, sizeBytes);
    if (this.#usedBytes + sizeBytes > this.#quotaBytes) {
      const freeBytes = this.#quotaBytes - this.#usedBytes;
      throw new LucioleError(
        "disk-full",
        `Cannot spill to ${this.#directory}: the quota of ${this.#quotaBytes} bytes is used up, ` +
          `${sizeBytes} bytes are needed and ${freeBytes} are free`,
        { fields: { directory: this.#directory, neededBytes: sizeBytes, freeBytes } },
      );
    }
    this.#usedBytes += sizeBytes;
  }
}

class DiskSpillFile implements SpillFile {
  readonly #file: BufferedFile;
  readonly #owner: { grow(sizeBytes: number): void; deleted(): void };
  #isDeleted = false;

  constructor(file: BufferedFile, owner: { grow(sizeBytes: number): void; deleted(): void }) {
    this.#file = file;
    this.#owner = owner;
  }

  get sizeBytes(): number {
    return this.#file.sizeBytes;
  }

  append(bytes: Uint8Array): number {
    this.#owner.grow(bytes.byteLength);
    const position = this.#file.sizeBytes;
    this.#file.write(bytes);
    return position;
  }

  read(position: number, length: number): Uint8Array {
    return this.#file.read(position, length);
  }

  delete(): void {
    if (this.#isDeleted) return;
    this.#isDeleted = true;
    this.#file.close();
    this.#owner.deleted();
  }
}
