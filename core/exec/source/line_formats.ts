/**
 * Text and JSON lines as rows. Knows nothing of where files are.
 */
import type { Batch } from "../../batch/column.ts";
import { parseJsonLines } from "../../format/jsonl.ts";
import { LineSplitter } from "../../format/lines.ts";
import type { JsonlOptions } from "../../graph/node.ts";
import type { Operator } from "../operator.ts";
import type { TaskScope } from "../task_scope.ts";
import { FaultLog, type FileSplit } from "./fault_log.ts";
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

export interface JsonlFormatOptions {
  readonly options: JsonlOptions;
  /** Properties that somebody looks at; all when missing. */
  readonly wanted: readonly string[] | undefined;
  readonly next: Operator;
}

export class JsonlFormat implements FileFormat {
  readonly #lines: LineSplitter;
  readonly #faults: FaultLog;
  #split: FileSplit | undefined;
  /** Where in the file the split's first line begins. */
  #origin: number | undefined;
  /** Lines of the split in earlier batches. */
  #linesBefore = 0;

  constructor(scope: TaskScope, { options, wanted, next }: JsonlFormatOptions) {
    const faults = new FaultLog(scope, options.onError);
    this.#faults = faults;
    const onRow = (row: unknown) => {
      scope.totals.rowsIn++;
      next.row(row);
    };
    this.#lines = new LineSplitter({
      onBatch: ({ column }) => {
        parseJsonLines(column, {
          ...(options.columns === undefined ? {} : { columns: options.columns }),
          ...(wanted === undefined ? {} : { wanted }),
          onRow,
          onMalformed: ({ line, reason, text }) => {
            if (this.#split === undefined) return;
            const lines = this.#linesBefore + line;
            faults.add(this.#split, { position: this.#origin ?? 0, lines, reason, text });
          },
        });
        this.#linesBefore += column.length;
      },
    });
  }

  begin(split: FileSplit): void {
    this.#split = split;
    this.#origin = undefined;
    this.#linesBefore = 0;
  }

  push(piece: Uint8Array, position: number): void {
    this.#origin ??= position;
    this.#lines.push(piece);
  }

  end(): void {
    this.#lines.endFile();
    // A batch with lines of two files could not say where a malformed one is.
    this.#lines.flush();
  }

  finish(): void {}

  close(): Promise<void> {
    return this.#faults.close();
  }
}
