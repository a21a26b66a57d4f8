/**
 * Lines of text as rows. Knows nothing of where files are.
 */
import type { Batch } from "../../batch/column.ts";
import { LineSplitter } from "../../format/lines.ts";
import type { FileSplit } from "./fault_log.ts";
import type { FileFormat } from "./file_format.ts";

/** Batches may hold lines of several files, so that many small files cost few batches. */
export class TextFormat implements FileFormat {
  readonly #lines: LineSplitter;

  constructor(push: (batch: Batch) => void) {
    this.#lines = new LineSplitter({ onBatch: push });
  }

  begin(split: FileSplit): void {
    this.#lines.beginFile(split.start === 0);
  }

  push(piece: Uint8Array): void {
    this.#lines.push(piece);
  }

  end(): void {
    this.#lines.endFile();
  }

  finish(): void {
    this.#lines.flush();
  }
}
