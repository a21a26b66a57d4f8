/**
 * Rows put aside on disk, split by the hash of their key so that each part can be worked on alone.
 *
 * The splitting of G. Graefe's Grace-style hashing ("Query evaluation techniques
 * for large databases", 1993): each level mixes the hash anew, so a part that is
 * still too large splits again. Knows nothing of what is done with a part.
 */

import { decodeItem, encodeBatch } from "../../batch/codec.ts";
import type { Batch, Column } from "../../batch/column.ts";
import { columnBytes, gather } from "../../batch/gather.ts";
import type { BatchReader, SpillFile } from "../ports.ts";
import type { TaskScope } from "../task_scope.ts";
import { scatter } from "./scatter.ts";

const FANOUT = 16;
/** A part that is still too large after so many splits is one key, or nearly: it goes on in memory. */
export const MAX_SPILL_LEVEL = 5;
const CHUNK_BYTES = 1 << 20;
const CHUNK_ROWS = 1 << 16;

interface Chunk {
  readonly position: number;
  readonly length: number;
}

export class SpillPartitions {
  readonly count = FANOUT;
  readonly #scope: TaskScope;
  readonly #seed: number;
  readonly #file: SpillFile;
  readonly #chunks: Chunk[][] = Array.from({ length: FANOUT }, () => []);

  /** @param level How often the rows have been split before: 0 for the first time. */
  constructor(scope: TaskScope, level: number) {
    this.#scope = scope;
    this.#seed = Math.imul(level + 1, 0x9e3779b1);
    this.#file = scope.ports.spill.create();
  }

  /** Puts rows aside; `hashes` are those of their keys. Rows of one part keep their order. */
  add(column: Column, hashes: Uint32Array): void {
    const rows = column.length;
    const parts = new Uint32Array(rows);
    for (let i = 0; i < rows; i++) parts[i] = remix(hashes[i] ^ this.#seed) % FANOUT;
    const { order, starts } = scatter(parts, rows, FANOUT);
    const rowBytes = columnBytes(column) / Math.max(1, rows);
    const step = Math.max(1, Math.min(CHUNK_ROWS, Math.floor(CHUNK_BYTES / Math.max(1, rowBytes))));
    for (let part = 0; part < FANOUT; part++) {
      for (let from = starts[part]; from < starts[part + 1]; from += step) {
        this.#write(part, gather(column, order.subarray(from, Math.min(from + step, starts[part + 1]))));
      }
    }
  }

  /** Reads a part back, in the order in which it was added. */
  reader(part: number): BatchReader {
    let place = 0;
    return {
      next: () => {
        const chunk = this.#chunks[part][place++];
        return chunk === undefined ? undefined : this.#read(chunk);
      },
      close: () => undefined,
    };
  }

  close(): void {
    this.#file.delete();
  }

  #write(part: number, column: Column): void {
    const item = encodeBatch({ rows: column.length, column }, this.#scope.ports.codec);
    this.#chunks[part].push({ position: this.#file.append(item), length: item.length });
    this.#scope.totals.spilledBytes += item.length;
  }

  #read({ position, length }: Chunk): Batch {
    const item = decodeItem(this.#file.read(position, length), this.#scope.ports.codec);
    if (item.kind === "batch") return item.batch;
    throw new RangeError(`Cannot read spilled rows: a trailer lies at ${position}`);
  }
}

/** The finaliser of murmur3: every bit of the hash changes every bit of the part. */
function remix(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
