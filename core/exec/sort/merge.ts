/**
 * Merges sorted runs into one sorted stream of batches.
 *
 * A tree of losers (Knuth vol. 3 §5.4.1) over the runs; equal keys keep the order
 * of the runs, so the merge is stable. It waits only when a run must. It knows
 * nothing of where runs lie or who reads the result.
 */
import type { Batch } from "../../batch/column.ts";
import type { KeyRange } from "../../plan/splitters.ts";
import type { BatchReader } from "../ports.ts";
import { prefixesOf, prefixKind } from "./key_prefix.ts";
import { MergeOutput } from "./merge_output.ts";
import { type CursorOptions, RunCursor } from "./run_cursor.ts";

export interface MergeOptions extends Omit<CursorOptions, "range"> {
  /** What counts of each run. */
  readonly ranges: readonly KeyRange[];
  readonly maxRows: number;
  readonly maxBytes: number;
}

/** Reads several sorted runs as one. Owns the readers. */
export class Merge implements BatchReader {
  readonly #descending: boolean;
  readonly #all: readonly RunCursor[];
  /** Cursors with rows, in the order of the runs. */
  #active: RunCursor[] = [];
  /** Cursors that need their next batch. */
  #waiting: RunCursor[];
  /** tree[0] is the winner, tree[1 …] the losers; entries are places in #active. */
  #tree = new Uint32Array(0);
  /** Prefix of the key at which each active cursor stands. */
  #heads = new Float64Array(0);
  #prefixes: Float64Array[] = [];
  #kind = "null";
  /** Finite prefixes are whole keys. */
  #isExact = false;
  readonly #output: MergeOutput;

  constructor(runs: readonly BatchReader[], options: MergeOptions) {
    this.#descending = options.keys.descending;
    this.#all = runs.map(
      (run, place) => new RunCursor(place, run, { ...options, range: options.ranges[place] }),
    );
    this.#waiting = [...this.#all];
    if (options.keys.compare !== undefined) this.#kind = "none";
    this.#output = new MergeOutput(options.maxRows, options.maxBytes);
  }

  next(): Batch | undefined | Promise<Batch | undefined> {
    for (;;) {
      const loading = this.#load();
      if (loading !== undefined) return loading.then(() => this.next());
      if (this.#active.length > 0) this.#run();
      if (this.#active.length === 0 || this.#output.count >= this.#output.limit) return this.#take();
    }
  }

  close(): void {
    for (const cursor of this.#all) cursor.close();
  }

  #take(): Batch | undefined {
    for (const cursor of this.#active) cursor.segment = -1;
    return this.#output.take();
  }

  /** Loads what is waiting, all at once; a promise when some run must wait. */
  #load(): Promise<void> | undefined {
    const waiting = this.#waiting;
    if (waiting.length === 0) return undefined;
    const loads = waiting.map((cursor) => cursor.load());
    if (loads.some((load) => load instanceof Promise)) {
      return Promise.all(loads).then((loaded) => this.#loaded(loaded));
    }
    this.#loaded(loads);
    return undefined;
  }

  #loaded(loads: readonly (boolean | Promise<boolean>)[]): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const cursor of waiting) {
      for (const other of this.#active) other.forget(cursor);
    }
    const winner = this.#active.indexOf(waiting[0]);
    if (waiting.length === 1 && winner >= 0 && loads[0] === true) {
      this.#replaceHead(winner);
      return;
    }
    for (const [i, cursor] of waiting.entries()) {
      if (loads[i] === false) cursor.close();
    }
    const ended = new Set(waiting.filter((_, i) => loads[i] === false));
    const begun = waiting.filter((cursor) => !ended.has(cursor) && !this.#active.includes(cursor));
    this.#active = [...this.#active.filter((cursor) => !ended.has(cursor)), ...begun];
    this.#active.sort((a, b) => a.place - b.place);
    this.#rebuild();
  }

  /** The winner goes on in a new batch: only its own path of the tree changes. */
  #replaceHead(at: number): void {
    const keys = this.#active[at].keys;
    const kind = prefixKind(keys);
    if (kind !== "null" && kind !== this.#kind && this.#kind !== "none") {
      this.#rebuild();
      return;
    }
    this.#prefixes[at] = this.#prefixesOf(this.#active[at]);
    this.#heads[at] = this.#prefixes[at][this.#active[at].index];
    this.#replay(at);
  }

  /** Makes prefixes and tree anew, after a run has begun or ended or prefixes no longer compare. */
  #rebuild(): void {
    const active = this.#active;
    for (const cursor of active) {
      const kind = prefixKind(cursor.keys);
      if (kind === "null" || kind === this.#kind) continue;
      this.#kind = this.#kind === "null" ? kind : "none";
    }
    this.#isExact = this.#kind === "number" || this.#kind === "date";
    this.#prefixes = active.map((cursor) => this.#prefixesOf(cursor));
    this.#heads = Float64Array.from(active, (cursor, at) => this.#prefixes[at][cursor.index]);
    const k = active.length;
    this.#tree = new Uint32Array(k);
    const winners = new Uint32Array(2 * k);
    for (let i = 0; i < k; i += 1) winners[k + i] = i;
    for (let node = k - 1; node > 0; node -= 1) {
      const left = winners[2 * node];
      const right = winners[2 * node + 1];
      const isLeft = this.#beats(left, right);
      winners[node] = isLeft ? left : right;
      this.#tree[node] = isLeft ? right : left;
    }
    if (k > 0) this.#tree[0] = k === 1 ? 0 : winners[1];
  }

  #prefixesOf({ keys }: RunCursor): Float64Array {
    return this.#kind === "none" ? new Float64Array(keys.length) : prefixesOf(keys, this.#descending);
  }

  /** Chooses rows until the output is full or a run needs its next batch. */
  #run(): void {
    const output = this.#output;
    if (this.#active.length === 1) {
      this.#runLast(this.#active[0]);
      return;
    }
    const { choices } = output;
    const active = this.#active;
    const tree = this.#tree;
    const heads = this.#heads;
    const prefixes = this.#prefixes;
    let count = output.count;
    for (;;) {
      const from = tree[0];
      const cursor = active[from];
      if (cursor.segment < 0) cursor.segment = output.open(cursor.rows, cursor.index);
      choices[count++] = cursor.segment;
      const index = ++cursor.index;
      if (index === cursor.end) {
        this.#waiting.push(cursor);
        break;
      }
      cursor.readHead();
      // As in #replay, but most prefixes differ, and then nothing is called.
      let winner = from;
      let best = prefixes[from][index];
      heads[from] = best;
      for (let node = (from + tree.length) >> 1; node > 0; node >>= 1) {
        const loser = tree[node];
        const head = heads[loser];
        if (head > best || (!(head < best) && !this.#beats(loser, winner))) continue;
        tree[node] = winner;
        winner = loser;
        best = head;
      }
      tree[0] = winner;
      if (count >= output.limit) break;
    }
    output.count = count;
  }

  /** One run is left: its rows need no comparing. */
  #runLast(cursor: RunCursor): void {
    const output = this.#output;
    if (cursor.segment < 0) cursor.segment = output.open(cursor.rows, cursor.index);
    const rows = Math.max(1, Math.min(cursor.end - cursor.index, output.limit - output.count));
    output.choices.fill(cursor.segment, output.count, output.count + rows);
    output.count += rows;
    cursor.index += rows;
    if (cursor.index === cursor.end) this.#waiting.push(cursor);
  }

  #replay(from: number): void {
    const tree = this.#tree;
    let winner = from;
    for (let node = (from + tree.length) >> 1; node > 0; node >>= 1) {
      const loser = tree[node];
      if (this.#beats(loser, winner)) {
        tree[node] = winner;
        winner = loser;
      }
    }
    tree[0] = winner;
  }

  #beats(a: number, b: number): boolean {
    const x = this.#heads[a];
    const y = this.#heads[b];
    if (x < y) return true;
    if (x > y) return false;
    if (this.#isExact && x === y && x - x === 0) return a < b;
    const order = this.#active[a].compareTo(this.#active[b]);
    return order < 0 || (order === 0 && a < b);
  }
}
