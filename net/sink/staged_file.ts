/**
 * The file that one attempt writes for a sink.
 *
 * It counts only once it is published; discard leaves nothing of it.
 */
import { openSync } from "node:fs";
import { join } from "node:path";
import type { SinkWriter } from "../../core/exec/ports.ts";
import { BufferedFile, orDiskFull, removeFiles, systemCode } from "../store/disk.ts";
import { stagedName } from "./staging.ts";
import { unwritable } from "./target.ts";

export interface StagedFileOptions {
  /** See stagingDirectory: the driver made it, so that nothing is left by who comes late. */
  readonly staging: string;
  readonly attempt: string;
  /** With its dot: `.txt`. */
  readonly extension: string;
}

export class StagedFile implements SinkWriter {
  /** Within the staging directory. */
  readonly name: string;
  readonly #file: BufferedFile;
  #isOver = false;

  constructor({ staging, attempt, extension }: StagedFileOptions) {
    this.name = stagedName(attempt, extension);
    const path = join(staging, this.name);
    this.#file = new BufferedFile(
      orDiskFull(path, 0, () => create(path, staging)),
      path,
    );
  }

  get sizeBytes(): number {
    return this.#file.sizeBytes;
  }

  write(bytes: Uint8Array): void {
    this.#file.write(bytes);
  }

  /** Writes what is held, so that the file can be published. */
  commit(): void {
    if (this.#isOver) return;
    this.#file.flush();
    this.#isOver = true;
    this.#file.close();
  }

  /** Deletes the file; after commit it does nothing. */
  discard(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#file.close();
    removeFiles(this.#file.path);
  }
}

function create(path: string, staging: string): number {
  try {
    return openSync(path, "w");
  } catch (cause) {
    if (systemCode(cause) !== "ENOENT") throw cause;
    throw unwritable(path, `the driver has made ${staging}, and it is not there`, cause);
  }
}
