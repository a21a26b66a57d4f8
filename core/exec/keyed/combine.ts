/**
 * Keyed aggregation: reduceByKey, aggregateByKey, countByKey, countByValue, distinct.
 *
 * A partial combine makes room by emitting what it holds, and stops combining for
 * a while when keys hardly repeat; the other phases put entries aside on disk.
 * Rows come out in the order of the first appearance of their keys, unless some
 * were put aside.
 */
import type { Batch, Column } from "../../batch/column.ts";
import { gather } from "../../batch/gather.ts";
import { tupleBatch } from "../../batch/make.ts";
import { rowReader } from "../../batch/row_reader.ts";
import type { Graph } from "../../graph/node.ts";
import type { TextRuns } from "../../key/text_runs.ts";
import type { StepPlan } from "../../plan/physical.ts";
import { type Aggregator, aggregatorOf } from "../aggregator.ts";
import type { Operator } from "../operator.ts";
import { nodeOf, type TaskScope } from "../task_scope.ts";
import { CombineTable } from "./combine_table.ts";
import { HotKeys, KeySample } from "./hot_keys.ts";
import { type PairColumns, pairColumns, pairOf } from "./pair_columns.ts";

type CombineStep = StepPlan & { readonly op: "combine" };

/** Tells whether a combine takes whole rows as keys. */
export function isRowKeyed(graph: Graph, step: CombineStep): boolean {
  const { kind } = nodeOf(graph, step.node).spec;
  // Partial counts of whole rows are pairs, whatever the rows were.
  return kind === "distinct" || (kind === "countByValue" && step.phase !== "merge");
}

export function createCombine(scope: TaskScope, step: CombineStep, next: Operator): Operator {
  return isRowKeyed(scope.graph, step)
    ? new RowCombine(scope, step, next)
    : new PairCombine(scope, step, next);
}

/** Checking the budget costs a little, so it is done once in so many rows. */
const CHECK_ROWS = 4096;
/**
 * Of so many rows at least that share must have been repeats, or combining does not pay: looking a row up here costs
 * about half of what moving it and looking it up there does. Few rows tell less, as repeats grow with their number.
 */
const TRIALS: readonly { readonly rows: number; readonly repeats: number }[] = [
  { rows: 400_000, repeats: 0.45 },
  { rows: 200_000, repeats: 0.3 },
  { rows: 100_000, repeats: 0.1 },
];
/** So many rows pass by before combining is tried again. */
const PASS_ROWS = 1_000_000;

abstract class Combine {
  protected readonly scope: TaskScope;
  protected readonly step: CombineStep;
  protected readonly next: Operator;
  protected readonly aggregator: Aggregator;
  protected readonly table: CombineTable;
  protected readonly isMerge: boolean;
  protected rows = 0;
  readonly #checkRows: number;
  #untilCheck: number;
  /** Rows taken since the table was empty. */
  #trialFrom = 0;
  #passUntil = 0;
  readonly #sample = new KeySample();
  /** Rows of these keys are combined while others pass. */
  #hot: HotKeys | undefined;

  constructor(scope: TaskScope, step: CombineStep, next: Operator) {
    this.scope = scope;
    this.step = step;
    this.next = next;
    this.aggregator = aggregatorOf(nodeOf(scope.graph, step.node));
    this.table = new CombineTable({ scope, node: step.node, aggregator: this.aggregator, level: 0 });
    this.isMerge = step.phase === "merge";
    this.#checkRows = Math.max(16, Math.min(CHECK_ROWS, Math.floor(scope.memoryBytes / 256)));
    this.#untilCheck = this.#checkRows;
  }

  async finish(): Promise<void> {
    this.settle();
    await this.table.drain((batch) => this.next.batch(batch));
    await this.next.finish();
  }

  drained(): Promise<void> | undefined {
    return this.next.drained?.();
  }

  close(): void {
    this.table.close();
  }

  /** True while a partial combine hands rows on as they are. */
  protected get isPassing(): boolean {
    return this.rows < this.#passUntil;
  }

  protected entry(key: unknown, value: unknown): void {
    if (!this.isMerge && this.table.hold(key, value)) {
      this.took(1);
      if (this.table.isHoldingMuch) this.settle();
      return;
    }
    this.settle();
    try {
      if (this.isMerge) this.table.merge(key, value);
      else this.table.add(key, value);
    } catch (error) {
      this.fail(error, this.rows);
    }
    this.took(1);
  }

  /** Enters the rows that the table holds back. */
  protected settle(): void {
    try {
      this.table.settle();
    } catch (error) {
      this.fail(error, this.rows - 1 - this.table.late);
    }
  }

  protected columns(keys: Column, values: Column | undefined): void {
    this.settle();
    try {
      if (this.isMerge) this.table.mergeColumns(keys, values);
      else this.table.addColumns(keys, values);
    } catch (error) {
      this.fail(error, this.rows + this.table.place);
    }
    this.took(keys.length);
  }

  /** Combines a row that need not pass as its key is hot; false for others. */
  protected takesHot(key: unknown, value: unknown): boolean {
    if (this.#hot?.has(key) !== true) return false;
    try {
      this.table.add(key, value);
    } catch (error) {
      this.fail(error, this.rows);
    }
    this.took(1);
    return true;
  }

  /** The same for many rows: gives the places of those that pass, undefined when all do. */
  protected withoutHot(keys: Column, values: Column | undefined): Uint32Array | undefined {
    const parts = this.#hot?.split(keys);
    if (parts === undefined) return undefined;
    const { hot, others } = parts;
    try {
      this.table.addColumns(gather(keys, hot), values === undefined ? undefined : gather(values, hot));
    } catch (error) {
      this.fail(error, this.rows + hot[this.table.place]);
    }
    this.took(hot.length);
    return others;
  }

  protected took(rows: number): void {
    this.rows += rows;
    this.#untilCheck -= rows;
    if (this.#untilCheck <= 0) this.#check();
  }

  protected fail(error: unknown, row: number): never {
    this.scope.fail(this.step.node, error, row);
  }

  #check(): void {
    this.#untilCheck = this.#checkRows;
    this.settle();
    if (this.step.phase !== "partial") {
      if (this.table.isTooLarge) this.table.spill();
      return;
    }
    if (!this.isPassing) this.#sample.note(this.table.recent);
    const taken = this.rows - this.#trialFrom;
    const trial = TRIALS.find(({ rows }) => taken >= rows);
    const isUseless = trial !== undefined && this.table.size > taken * (1 - trial.repeats);
    if (!isUseless && !this.table.isTooLarge) return;
    const hot = this.#hotEntries();
    if (isUseless) this.#hot = hot.length === 0 ? undefined : new HotKeys(this.table.keys(hot));
    this.table.emit((batch) => this.next.batch(batch));
    // A closure that makes an accumulator of each value costs more than it saves; the others pass rows on.
    if (isUseless && this.aggregator.shape !== "other") this.#passUntil = this.rows + PASS_ROWS;
    this.#trialFrom = Math.max(this.rows, this.#passUntil);
  }

  /** Keys with at least as many rows as a partition of the exchange has on average. */
  #hotEntries(): Uint32Array {
    const { tail } = this.scope.plan;
    return this.#sample.take(tail.kind === "hash" ? 1 / tail.partitions : Number.POSITIVE_INFINITY);
  }
}

/** Rows are [key, value], or [key, accumulator] when merging. */
class PairCombine extends Combine implements Operator {
  row(row: unknown): void {
    let pair: readonly unknown[];
    try {
      pair = pairOf(row);
    } catch (error) {
      this.fail(error, this.rows);
    }
    this.pair(pair[0], pair[1]);
  }

  pair(key: unknown, value: unknown): void {
    if (!this.isPassing) this.entry(key, value);
    else if (!this.takesHot(key, value)) {
      this.next.row([key, this.#first(value, this.rows)]);
      this.rows++;
    }
  }

  batch(batch: Batch): void {
    let pair: PairColumns;
    try {
      pair = pairColumns(batch);
    } catch (error) {
      this.fail(error, this.rows);
    }
    if (!this.isPassing) this.columns(pair.keys, pair.values);
    else this.#pass(batch, pair);
  }

  #pass(batch: Batch, { keys, values }: PairColumns): void {
    const isCount = this.aggregator.shape === "count";
    if (this.aggregator.fold === "sum") this.#checkNumbers(values);
    const places = this.withoutHot(keys, values);
    const passing = places === undefined ? keys : gather(keys, places);
    const rows = passing.length;
    if (isCount) this.next.batch(tupleBatch([passing, ones(rows)], rows));
    else this.next.batch(places === undefined ? batch : tupleBatch([passing, gather(values, places)], rows));
    this.rows += rows;
  }

  /** Values that pass become accumulators, and nobody looks at those again. */
  #checkNumbers(values: Column): void {
    if (values.kind === "number" && values.validity === undefined) return;
    const read = rowReader(values);
    for (let i = 0; i < values.length; i++) this.#first(read(i), this.rows + i);
  }

  #first(value: unknown, row: number): unknown {
    try {
      return this.aggregator.first(value);
    } catch (error) {
      this.fail(error, row);
    }
  }
}

/** The whole row is the key. */
class RowCombine extends Combine implements Operator {
  texts(runs: TextRuns): void {
    if (this.isPassing) this.batch({ rows: runs.rows, column: runs.column() });
    else {
      this.settle();
      this.table.addRuns(runs);
      this.took(runs.rows);
    }
  }

  row(row: unknown): void {
    if (!this.isPassing) this.entry(row, undefined);
    else if (!this.takesHot(row, undefined)) {
      this.next.row(this.aggregator.shape === "count" ? [row, 1] : row);
      this.rows++;
    }
  }

  batch(batch: Batch): void {
    const { column, rows } = batch;
    if (this.isPassing) {
      const places = column.kind === "any" ? undefined : this.withoutHot(column, undefined);
      const passing = places === undefined ? batch : { rows: places.length, column: gather(column, places) };
      const isCount = this.aggregator.shape === "count";
      this.next.batch(isCount ? tupleBatch([passing.column, ones(passing.rows)], passing.rows) : passing);
      this.rows += passing.rows;
    } else if (column.kind === "any") {
      const read = rowReader(column);
      for (let i = 0; i < rows; i++) this.row(read(i));
    } else this.columns(column, undefined);
  }
}

function ones(rows: number): Column {
  return { kind: "number", length: rows, values: new Float64Array(rows).fill(1) };
}
