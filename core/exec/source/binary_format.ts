/**
 * Luciole's own files: a CBOR sequence of batches that ends with a trailer.
 */
import type { Batch } from "../../batch/column.ts";
import { ItemDecoder } from "../../format/batch_items.ts";
import type { TaskScope } from "../task_scope.ts";
import { type FileSplit, fileError } from "./fault_log.ts";
import type { FileFormat } from "./file_format.ts";

export class BinaryFormat implements FileFormat {
  readonly #scope: TaskScope;
  readonly #push: (batch: Batch) => void;
  #current: { readonly decoder: ItemDecoder; readonly split: FileSplit } | undefined;

  constructor(scope: TaskScope, push: (batch: Batch) => void) {
    this.#scope = scope;
    this.#push = push;
  }

  begin(split: FileSplit): void {
    this.#current = { decoder: new ItemDecoder(this.#scope.ports.codec), split };
  }

  push(piece: Uint8Array): void {
    this.#decode((decoder) => decoder.push(piece));
    for (;;) {
      const batch = this.#decode((decoder) => decoder.next());
      if (batch === undefined) return;
      this.#push(batch);
    }
  }

  end(): void {
    this.#decode((decoder) => {
      if (!decoder.isComplete) throw new RangeError("it ends before its trailer, so it was cut short");
    });
  }

  finish(): void {}

  #decode<T>(use: (decoder: ItemDecoder) => T): T {
    if (this.#current === undefined) throw new RangeError("Cannot decode batches: no file has begun");
    try {
      return use(this.#current.decoder);
    } catch (error) {
      throw fileError(this.#current.split, error);
    }
  }
}
