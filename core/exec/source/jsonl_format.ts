/**
 * JSON lines as rows. Knows nothing of where files are.
 */
import type { Batch } from "../../batch/column.ts";
import { JsonlParser } from "../../format/jsonl_parser.ts";
import type { JsonlOptions } from "../../graph/node.ts";
import type { TaskScope } from "../task_scope.ts";
import { FaultLog, type FileSplit } from "./fault_log.ts";
import type { FileFormat } from "./file_format.ts";

export interface JsonlFormatOptions {
  readonly options: JsonlOptions;
  /** Properties that somebody looks at; all when missing. */
  readonly wanted: readonly string[] | undefined;
  readonly push: (batch: Batch) => void;
  readonly pushRow: (row: unknown) => void;
}

export class JsonlFormat implements FileFormat {
  readonly #options: JsonlFormatOptions;
  readonly #faults: FaultLog;
  #parser: JsonlParser | undefined;
  /** Where in the file the split's first line begins. */
  #origin: number | undefined;

  constructor(scope: TaskScope, options: JsonlFormatOptions) {
    this.#options = options;
    this.#faults = new FaultLog(scope, options.options.onError);
  }

  begin(split: FileSplit): void {
    const { options, wanted, push, pushRow } = this.#options;
    this.#origin = undefined;
    this.#parser = new JsonlParser({
      columns: options.columns,
      wanted,
      isAtStart: split.start === 0,
      onBatch: push,
      onRow: pushRow,
      onMalformed: ({ position, ...fault }) =>
        this.#faults.add(split, { ...fault, position: (this.#origin ?? 0) + position }),
    });
  }

  push(piece: Uint8Array, position: number): void {
    this.#origin ??= position;
    this.#parser?.push(piece);
  }

  end(): void {
    this.#parser?.end();
  }

  finish(): void {}

  close(): Promise<void> {
    return this.#faults.close();
  }
}
