/**
 * A sorted run in a scratch file: batches written in order, read one at a time.
 *
 * Several runs may share a file, one after the other. It knows nothing of keys.
 */

import type { CborWriter } from "../../batch/cbor_writer.ts";
import { decodeItem, encodeBatch } from "../../batch/codec.ts";
import type { Batch } from "../../batch/column.ts";
import { ProtocolError } from "../../errors.ts";
import type { BatchReader, SpillFile } from "../ports.ts";
import type { TaskScope } from "../task_scope.ts";

export class SpilledRun {
  readonly #scope: TaskScope;
  readonly #file: SpillFile;
  readonly #positions: number[] = [];
  readonly #lengths: number[] = [];
  readonly #scratch: CborWriter | undefined;

  /** @param scratch memory to encode in, for who writes many runs. */
  constructor(scope: TaskScope, file: SpillFile, scratch?: CborWriter) {
    this.#scope = scope;
    this.#file = file;
    this.#scratch = scratch;
  }

  write(batch: Batch): void {
    const item = encodeBatch(batch, this.#scope.ports.codec, this.#scratch);
    this.#positions.push(this.#file.append(item));
    this.#lengths.push(item.length);
    this.#scope.totals.spilledBytes += item.length;
  }

  /** Reads the run from its beginning. @param closed called when the reader is closed. */
  open(closed?: () => void): BatchReader {
    let place = 0;
    return {
      next: () => (place < this.#positions.length ? this.#read(place++) : undefined),
      close: () => {
        place = this.#positions.length;
        closed?.();
      },
    };
  }

  #read(place: number): Batch {
    const bytes = this.#file.read(this.#positions[place], this.#lengths[place]);
    const item = decodeItem(bytes, this.#scope.ports.codec);
    if (item.kind !== "batch")
      throw new ProtocolError(`Cannot read spilled batch ${place}: it is a ${item.kind}`);
    return item.batch;
  }
}
