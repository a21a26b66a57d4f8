/**
 * CSV files as rows: every split of a file knows its header.
 */
import type { Batch } from "../../batch/column.ts";
import { LucioleError } from "../../errors.ts";
import { CsvParser } from "../../format/csv_parser.ts";
import { readHeader } from "../../format/csv_tokenizer.ts";
import { joinBytes } from "../../format/join_bytes.ts";
import type { CsvOptions } from "../../graph/node.ts";
import type { TaskScope } from "../task_scope.ts";
import { FaultError, FaultLog, type FileSplit, fileError } from "./fault_log.ts";
import type { FileFormat } from "./file_format.ts";

export interface CsvFormatOptions {
  readonly options: CsvOptions;
  /** Columns that somebody looks at; all when missing. */
  readonly wanted: readonly string[] | undefined;
  readonly push: (batch: Batch) => void;
}

export class CsvFormat implements FileFormat {
  readonly #scope: TaskScope;
  readonly #options: CsvOptions;
  readonly #wanted: CsvFormatOptions["wanted"];
  readonly #push: (batch: Batch) => void;
  readonly #faults: FaultLog;
  #current: { readonly parser: CsvParser; readonly split: FileSplit } | undefined;
  #origin: number | undefined;

  constructor(scope: TaskScope, { options, wanted, push }: CsvFormatOptions) {
    this.#scope = scope;
    this.#options = options;
    this.#wanted = wanted;
    this.#push = push;
    this.#faults = new FaultLog(scope, options.onError);
  }

  async begin(split: FileSplit): Promise<void> {
    this.#origin = undefined;
    const header = split.start === 0 ? undefined : await this.#headerOf(split);
    const parser = guarded(
      split,
      () =>
        new CsvParser({
          csv: this.#options,
          ...(header === undefined ? {} : { header }),
          ...(this.#wanted === undefined ? {} : { wanted: this.#wanted }),
          onBatch: this.#push,
          onMalformed: ({ position, reason, text }) =>
            this.#faults.add(split, { position: (this.#origin ?? 0) + position, lines: 0, reason, text }),
        }),
    );
    this.#current = { parser, split };
  }

  push(piece: Uint8Array, position: number): void {
    this.#origin ??= position;
    const { parser, split } = this.#opened();
    guarded(split, () => parser.push(piece));
  }

  end(): void {
    const { parser, split } = this.#opened();
    guarded(split, () => parser.end());
  }

  finish(): void {}

  close(): Promise<void> {
    return this.#faults.close();
  }

  #opened(): { readonly parser: CsvParser; readonly split: FileSplit } {
    if (this.#current === undefined) throw new RangeError("Cannot parse CSV: no file has begun");
    return this.#current;
  }

  /** The names of all columns, from the beginning of the file. */
  async #headerOf(split: FileSplit): Promise<readonly string[]> {
    const { header, columns, delimiter = "," } = this.#options;
    if (header === false && columns !== undefined) return columns;
    const reader = this.#scope.ports.openSplit({ ...split, start: 0 });
    try {
      let bytes: Uint8Array = new Uint8Array(0);
      for (;;) {
        const piece = await reader.next();
        if (piece !== undefined) bytes = joinBytes([bytes, piece]);
        const mark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
        const found = readHeader(bytes.subarray(mark), delimiter.charCodeAt(0), piece === undefined);
        if (found === undefined) continue;
        return header === false ? found.names.map((_, i) => `column${i}`) : found.names;
      }
    } finally {
      reader.close();
    }
  }
}

/** What is wrong with a header does not know its file yet. */
function guarded<T>(split: FileSplit, use: () => T): T {
  try {
    return use();
  } catch (error) {
    const isOwn = error instanceof LucioleError && error.code === "malformed-input";
    if (isOwn && !(error instanceof FaultError)) throw fileError(split, error);
    throw error;
  }
}
