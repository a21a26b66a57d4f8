/**
 * The built side of a hash join, and the loop that probes it column by column.
 *
 * Results are gathered columns, so no row is made here. Output rows are
 * [key, [left, right]]; a missing side is undefined. Order: that of the probing
 * rows, and for each of them that of the built rows.
 */
import type { Batch, Column } from "../../batch/column.ts";
import { columnBytes, gather, gatheredBytes } from "../../batch/gather.ts";
import { gatherOrMissing } from "../../batch/gather_or_missing.ts";
import { tupleBatch } from "../../batch/make.ts";
import { KeyTable } from "../../key/key_table.ts";
import { GroupedRows, isCounting } from "./grouped_rows.ts";
import { type PairColumns, pairColumns } from "./pair_columns.ts";

export interface JoinTableOptions {
  /** Which side of the result the built rows are. */
  readonly built: "left" | "right";
  /** Keep probing rows without a partner. */
  readonly keepsProbing: boolean;
  /** Keep built rows without a partner, for `drainUnmatched`. */
  readonly keepsBuilt: boolean;
}

const EMIT_ROWS = 1 << 16;
/** A few large rows that many others find would make a batch larger than memory. */
const EMIT_BYTES = 16 << 20;

export class JoinTable {
  readonly #options: JoinTableOptions;
  readonly table = new KeyTable();
  readonly rows = new GroupedRows();
  readonly #emptyBytes = this.table.sizeBytes;
  #values: Column = { kind: "null", length: 0, absent: "undefined" };
  #starts: Uint32Array = new Uint32Array(1);
  /** One flag an entry: rows of one key have partners together. Missing when nobody asks. */
  #matched: Uint8Array | undefined;
  #found = new Uint32Array(0);
  #isUnique = false;
  readonly #probing = new Uint32Array(EMIT_ROWS);
  readonly #built = new Uint32Array(EMIT_ROWS);
  #pending = 0;
  #onBatch: (batch: Batch) => void = () => undefined;

  constructor(options: JoinTableOptions) {
    this.#options = options;
  }

  /** Says where results go from now on. */
  emitTo(onBatch: (batch: Batch) => void): void {
    this.#onBatch = onBatch;
    // A task that failed may have left some.
    this.#pending = 0;
  }

  /** Bytes of what was built. */
  get sizeBytes(): number {
    if (this.table.size <= 1) return 0;
    return this.table.sizeBytes - this.#emptyBytes + this.rows.sizeBytes + columnBytes(this.#values);
  }

  build({ keys, values }: PairColumns): void {
    this.rows.add(this.table, keys, values);
  }

  /** Called once between building and probing. */
  seal(): void {
    const { values, starts } = this.rows.sorted(this.table.size);
    this.#values = values;
    this.#starts = starts;
    this.#matched = this.#options.keepsBuilt ? new Uint8Array(this.table.size) : undefined;
    this.#isUnique = values.length === this.table.size;
    this.rows.clear();
  }

  probe(batch: Batch): void {
    const pair = pairColumns(batch);
    const found = this.#findAll(pair.keys);
    if (this.#isUnique) this.#probeUnique(pair, found);
    else this.#probeMany(pair, found);
    this.#emit(pair);
  }

  /** Every key was built once, so its entry is its row. */
  #probeUnique(pair: PairColumns, found: Uint32Array): void {
    const rows = pair.keys.length;
    const matched = this.#matched;
    const lonely = this.#options.keepsProbing ? this.table.size + 1 : 0;
    let partners = 0;
    for (let i = 0; i < rows; i++) {
      const entry = found[i] === 0 ? lonely : found[i];
      if (entry === 0) continue;
      if (partners === EMIT_ROWS) {
        this.#pending = partners;
        this.#emit(pair);
        partners = 0;
      }
      this.#probing[partners] = i;
      this.#built[partners++] = entry - 1;
    }
    if (matched !== undefined) for (let i = 0; i < rows; i++) if (found[i] > 0) matched[found[i] - 1] = 1;
    this.#pending = partners;
  }

  #probeMany(pair: PairColumns, found: Uint32Array): void {
    const starts = this.#starts;
    const matched = this.#matched;
    const { keepsProbing } = this.#options;
    const none = starts[this.table.size];
    for (let i = 0; i < found.length; i++) {
      const entry = found[i] - 1;
      if (entry >= 0) {
        if (matched !== undefined) matched[entry] = 1;
        const end = starts[entry + 1];
        for (let j = starts[entry]; j < end; j++) this.#push(pair, i, j);
      } else if (keepsProbing) this.#push(pair, i, none);
    }
  }

  #findAll(keys: Column): Uint32Array {
    if (this.#found.length < keys.length) this.#found = new Uint32Array(keys.length);
    const found = this.#found.subarray(0, keys.length);
    this.table.findColumn(keys, found);
    return found;
  }

  /** Emits built rows that never found a partner. */
  drainUnmatched(): void {
    const { table } = this;
    let entries: number[] = [];
    let rows: number[] = [];
    const emit = (): void => {
      if (rows.length === 0) return;
      const keys = table.keyColumn(Uint32Array.from(entries));
      const values = gather(this.#values, Uint32Array.from(rows));
      this.#onBatch(this.#output(keys, missing(rows.length), values));
      entries = [];
      rows = [];
    };
    for (let entry = 0; entry < table.size; entry++) {
      if (this.#matched?.[entry] !== 0) continue;
      for (let j = this.#starts[entry]; j < this.#starts[entry + 1]; j++) {
        entries.push(entry);
        if (rows.push(j) >= EMIT_ROWS) emit();
      }
    }
    emit();
  }

  clear(): void {
    this.table.clear();
    this.rows.clear();
    this.#values = missing(0);
  }

  #push(pair: PairColumns, probing: number, built: number): void {
    this.#probing[this.#pending] = probing;
    this.#built[this.#pending] = built;
    if (++this.#pending === EMIT_ROWS) this.#emit(pair);
  }

  #emit(pair: PairColumns): void {
    const rows = this.#pending;
    this.#pending = 0;
    if (rows > 0) this.#emitRange(pair, 0, rows);
  }

  #emitRange(pair: PairColumns, from: number, to: number): void {
    const probing = this.#probing.subarray(from, to);
    const built = this.#built.subarray(from, to);
    // Every row found one partner: what was probed goes on as it is.
    const isWhole = to - from === pair.keys.length && isCounting(probing);
    const bytes =
      gatheredBytes(this.#values, built) +
      (isWhole ? 0 : gatheredBytes(pair.keys, probing) + gatheredBytes(pair.values, probing));
    if (bytes > EMIT_BYTES && to - from > 1) {
      const middle = (from + to) >> 1;
      this.#emitRange(pair, from, middle);
      this.#emitRange(pair, middle, to);
      return;
    }
    // The row after the last one stands for a missing partner.
    const values = gatherOrMissing(this.#values, built);
    const { keys, values: others } = isWhole
      ? pair
      : { keys: gather(pair.keys, probing), values: gather(pair.values, probing) };
    this.#onBatch(this.#output(keys, others, values));
  }

  #output(keys: Column, probing: Column, built: Column): Batch {
    const rows = keys.length;
    const sides = this.#options.built === "right" ? [probing, built] : [built, probing];
    return tupleBatch([keys, tupleBatch(sides, rows).column], rows);
  }
}

function missing(rows: number): Column {
  return { kind: "null", length: rows, absent: "undefined" };
}
